//! One request, put to a gate.

use thiserror::Error;
use trust_core::gate::explanation::SignatureCheck;
use trust_core::gate::{GATE_KEY_FILE, Gate, InvalidTrustFile};
use trust_core::gate_key::{GateKeys, SECRET_BYTES};
use trust_core::request::RawRequest;
use trust_core::tags::Moment;
use trust_core::trust_head::TRUST_HEAD_FILE;

use crate::report::Report;

/// What a verdict means where nothing is enforced.
const OBSERVES: &str = "mode is observe: the request would pass, without any identity, and be written down as denied";

/// Why a JWK Set cannot stand for the files of a trust directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
pub struct InvalidStandIn(#[from] InvalidTrustFile);

/// What the gate would answer to the request, and how it comes to that.
pub fn explain(gate: &mut Gate, raw: &RawRequest, moment: Moment, signature: SignatureCheck) -> Report {
    if let Some(answer) = gate.own_answer(raw) {
        return Report::of_own_answer(&answer);
    }
    let (decision, explanation) = gate.explain(raw, moment, signature);
    match decision {
        Ok(forwarding) => Report::of_permit(explanation, &forwarding),
        Err(denial) => {
            let mut report = Report::of_denial(explanation, &denial, &gate.answer_to(&denial, raw));
            if gate.only_observes() {
                report.notes.push(OBSERVES.to_owned());
            }
            report
        }
    }
}

/// The files below `/trust` from which the gate would have the keys of issuers. What a keeper tells is no such file.
#[must_use]
pub fn key_files(gate: &Gate) -> Vec<String> {
    let wanted = gate.wanted_files().into_iter();
    wanted.filter(|name| name != GATE_KEY_FILE && name != TRUST_HEAD_FILE).collect()
}

/// Gives the gate this JWK Set in place of every file of an issuer's keys.
pub fn stand_in_for_key_files(gate: &mut Gate, jwks: &[u8]) -> Result<(), InvalidStandIn> {
    for name in key_files(gate) {
        gate.take_file(&name, Some(jwks))?;
    }
    Ok(())
}

/// Gives the gate a key of its own from these bytes, in place of the one that the trust directory would hold. What is signed
/// with it is never shown.
pub fn stand_in_for_gate_key(gate: &mut Gate, secret: [u8; SECRET_BYTES]) -> Result<(), InvalidStandIn> {
    let stand_in = GateKeys::generate("stand-in".to_owned(), secret, None).to_json();
    Ok(gate.take_file(GATE_KEY_FILE, Some(stand_in.as_bytes()))?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn gate(more: serde_json::Value) -> Gate {
        let mut config = json!({
            "issuers": [{
                "issuer": "https://idp.example.com", "audiences": ["watchgate"], "jwksFile": "jwks/idp.json", "algorithms": ["EdDSA"],
            }],
            "rules": [{"name": "all", "match": "PathPrefix(`/`)"}],
        });
        for (name, value) in more.as_object().cloned().unwrap_or_default() {
            config[name] = value;
        }
        Gate::from_config(config.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn what_a_keeper_tells_is_no_key_of_an_issuer() {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let jwks = json!({"keys": [jwk]}).to_string();
        let mut gate = gate(json!({"keeper": true}));
        assert!(gate.wanted_files().iter().any(|name| name == TRUST_HEAD_FILE));
        assert_eq!(key_files(&gate), ["jwks/idp.json"]);
        assert_eq!(stand_in_for_key_files(&mut gate, jwks.as_bytes()), Ok(()));
        assert!(stand_in_for_key_files(&mut gate, b"{}").is_err());
    }

    #[test]
    fn where_nothing_is_enforced_a_denial_says_so() {
        let raw = RawRequest {
            method: b"GET".to_vec(),
            target: b"/a".to_vec(),
            host: b"a".to_vec(),
            ..RawRequest::default()
        };
        let moment = Moment { now: trust_core::time::WallTime::from_epoch(std::time::Duration::ZERO), sequence: 1 };
        let notes = |mode: &str| explain(&mut gate(json!({"mode": mode})), &raw, moment, SignatureCheck::Assumed).notes;
        assert_eq!(notes("observe"), [OBSERVES]);
        assert!(notes("enforce").is_empty());
    }
}
