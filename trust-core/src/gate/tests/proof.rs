//! Tokens that are bound to a key, on the whole walk.

use std::cell::RefCell;
use std::collections::BTreeSet;

use sha2::Digest;

use super::answers::gate_with;
use super::*;
use crate::dpop::InvalidProof;
use crate::shared_files::{Claim, SharedFile};

/// Remembers the proofs that were spent.
#[derive(Default)]
struct Spent(RefCell<BTreeSet<(u64, String)>>);

impl SharedFiles for Spent {
    fn read_at(&self, _file: SharedFile, _offset: u64, _buffer: &mut [u8]) -> bool {
        false
    }

    fn write_at(&self, _file: SharedFile, _offset: u64, _bytes: &[u8]) -> bool {
        false
    }

    fn claim(&self, minute: u64, name: &str) -> Claim {
        if self.0.borrow_mut().insert((minute, name.to_owned())) { Claim::First } else { Claim::Before }
    }

    fn append_denial(&self, _line: &str) {}
}

fn proof_key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

fn x() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(proof_key().verifying_key())
}

fn bound_token(changes: &Value) -> String {
    let jkt =
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, x())));
    token(&header(), &changed(changed(claims(), &json!({"cnf": {"jkt": jkt}})), changes))
}

fn proof(token: &str, path: &str, changes: &Value) -> String {
    let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x()}});
    let claims = json!({
        "htm": "GET", "htu": format!("https://gw.example.com{path}"), "iat": NOW, "jti": "p1",
        "ath": BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(token)),
    });
    let signed = format!("{}.{}", part(&header), part(&changed(claims, changes)));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(proof_key().sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}

fn call(path: &str, token: &str, proof: &str) -> RawRequest {
    let authorization = format!("DPoP {token}");
    request("GET", path, &[("Authorization", authorization.as_str()), ("DPoP", proof)])
}

#[test]
fn a_proof_opens_one_request_and_goes_no_further() {
    let mut gate = gate();
    let token = bound_token(&json!({}));
    let raw = call("/whoami", &token, &proof(&token, "/whoami", &json!({})));
    let spent = Spent::default();
    let forwarding = gate.decide(&raw, moment(), &spent).unwrap();
    for name in ["Authorization", "DPoP"] {
        assert!(forwarding.remove.iter().any(|removed| removed == name), "{name} goes on");
    }
    let again = gate.decide(&raw, moment(), &spent);
    assert_eq!(again, Err(Denial::InvalidProof(InvalidProof::Replayed)));
    let next = call("/whoami", &token, &proof(&token, "/whoami", &json!({"jti": "p2"})));
    assert!(gate.decide(&next, moment(), &spent).is_ok());
    assert_eq!(gate.decide(&next, moment(), &NoSharedFiles), Err(Denial::ReplaysUnknown));
    assert!(gate.reads_header("dpop") && gate.reads_header("DPoP"));
}

#[test]
fn whoever_is_denied_for_another_reason_keeps_the_proof() {
    let mut gate = gate();
    let token = bound_token(&json!({"scope": "other"}));
    let spent = Spent::default();
    let raw = call("/v1/ask", &token, &proof(&token, "/v1/ask", &json!({})));
    assert!(matches!(gate.decide(&raw, moment(), &spent), Err(Denial::Insufficient { .. })));
    gate.take_file("gate.key", None).unwrap_err();
    let raw = call("/whoami", &token, &proof(&token, "/whoami", &json!({})));
    assert!(matches!(gate.decide(&raw, moment(), &spent), Err(Denial::KeysUnavailable { .. })));
    assert!(spent.0.borrow().is_empty());
}

#[test]
fn without_the_transaction_token_the_back_end_may_see_the_proof_as_it_sees_the_token() {
    let mut gate = gate_with(&json!({"transactionToken": null}));
    let token = bound_token(&json!({}));
    let raw = call("/whoami", &token, &proof(&token, "/whoami", &json!({})));
    let forwarding = gate.decide(&raw, moment(), &Spent::default()).unwrap();
    assert!(!forwarding.remove.iter().any(|name| name == "DPoP" || name == "Authorization"));
}

#[test]
fn a_proof_under_a_public_rule_is_for_whoever_stands_behind_and_no_token_is() {
    let mut gate = gate();
    let token = bound_token(&json!({}));
    let spent = Spent::default();
    let raw = call("/healthz", &token, "whatever it is");
    let forwarding = gate.decide(&raw, moment(), &spent).unwrap();
    let stays = |header: &str| forwarding.remove.iter().any(|name| name == header);
    assert!(!stays("DPoP") && stays("Authorization"), "{forwarding:?}");
    assert!(spent.0.borrow().is_empty(), "nobody has looked at it");
}

#[test]
fn a_token_that_is_bound_to_a_key_and_a_certificate_needs_both() {
    let jkt = bound_token(&json!({}));
    let claims: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(jkt.split('.').nth(1).unwrap()).unwrap()).unwrap();
    let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(b"mine"));
    let token = bound_token(&json!({"cnf": {"jkt": claims["cnf"]["jkt"], "x5t#S256": thumbprint}}));
    let mut gate = gate_with(&json!({"trustClientCertificate": true}));
    let spent = Spent::default();
    let mut raw = call("/whoami", &token, &proof(&token, "/whoami", &json!({})));
    assert_eq!(gate.decide(&raw, moment(), &spent), Err(Denial::InvalidToken(InvalidToken::Bound)));
    let shown = base64::prelude::BASE64_STANDARD.encode(b"mine").into_bytes();
    raw.headers.push(("X-Forwarded-Tls-Client-Cert".to_owned(), vec![shown]));
    assert!(gate.decide(&raw, moment(), &spent).is_ok());
    raw.headers.retain(|(name, _)| name != "DPoP");
    assert_eq!(gate.decide(&raw, moment(), &spent), Err(Denial::InvalidProof(InvalidProof::Missing)));
}

#[test]
fn a_rule_that_asks_for_a_bound_token_takes_one_that_is_bound_to_a_key() {
    let rules = json!([{"name": "r", "match": "Path(`/whoami`)", "require": "BoundToClient()"}]);
    let mut gate = gate_with(&json!({"rules": rules}));
    let token = bound_token(&json!({}));
    let raw = call("/whoami", &token, &proof(&token, "/whoami", &json!({})));
    assert!(gate.decide(&raw, moment(), &Spent::default()).is_ok());
    let unbound = gate.decide(&with_token("/whoami", &good_token()), moment(), &Spent::default());
    assert_eq!(unbound, Err(Denial::Insufficient { rule: "r".into(), scope: String::new() }));
}

#[test]
fn a_challenge_speaks_of_the_scheme_that_the_client_used() {
    let algorithms = json!({"algorithms": "ES256"});
    let mut gate = gate_with(&json!({"dpop": algorithms}));
    let challenged = |gate: &mut Gate, raw: &RawRequest| {
        let denial = gate.decide(raw, moment(), &Spent::default()).unwrap_err();
        let Outcome::Answer(answer) = gate.refuse(&denial, raw, moment(), &Spent::default()).outcome else {
            panic!("the gate does not observe")
        };
        let value = |name: &str| answer.headers.iter().find(|(held, _)| *held == name).map(|(_, value)| value.clone());
        (answer.status, value("WWW-Authenticate").unwrap_or_default(), value("DPoP-Nonce"))
    };
    let token = bound_token(&json!({}));
    let algs = r#"algs="ES256""#;
    for (raw, status, expected) in [
        // RFC 9449, section 7.1: figures 13 to 16.
        (request("GET", "/whoami", &[]), 401, format!(r#"Bearer realm="watchgate", DPoP realm="watchgate", {algs}"#)),
        (call("/whoami", &token, "x"), 401, format!(r#"DPoP realm="watchgate", error="invalid_dpop_proof", {algs}"#)),
        (call("/whoami", "x", "x"), 401, format!(r#"DPoP realm="watchgate", error="invalid_token", {algs}"#)),
        (call("/whoami", &good_token(), "x"), 401, format!(r#"DPoP realm="watchgate", error="invalid_token", {algs}"#)),
        (with_token("/whoami", "x"), 401, r#"Bearer realm="watchgate", error="invalid_token""#.to_owned()),
        (
            with_token("/whoami", &token),
            401,
            format!(r#"Bearer realm="watchgate", error="invalid_token", DPoP realm="watchgate", {algs}"#),
        ),
    ] {
        assert_eq!(challenged(&mut gate, &raw), (status, expected, None));
    }
    let insufficient = Denial::Insufficient { rule: "r".into(), scope: "a".into() };
    let raw = call("/whoami", &token, "x");
    let Outcome::Answer(answer) = gate.refuse(&insufficient, &raw, moment(), &Spent::default()).outcome else {
        panic!("the gate does not observe")
    };
    let expected = format!(r#"DPoP realm="watchgate", error="insufficient_scope", scope="a", {algs}"#);
    assert!(answer.headers.contains(&("WWW-Authenticate", expected)));
}

#[test]
fn one_of_several_hosts_tells_the_nonce_that_it_asks_for() {
    let mut gate = gate();
    gate.proofs.take_host(Some("gw-1".to_owned()));
    let token = bound_token(&json!({}));
    let raw = call("/whoami", &token, &proof(&token, "/whoami", &json!({})));
    let spent = Spent::default();
    let denial = gate.decide(&raw, moment(), &spent).unwrap_err();
    assert_eq!(denial, Denial::InvalidProof(InvalidProof::Nonce));
    let Outcome::Answer(answer) = gate.refuse(&denial, &raw, moment(), &spent).outcome else {
        panic!("the gate does not observe")
    };
    let value = |name: &str| answer.headers.iter().find(|(held, _)| *held == name).map(|(_, value)| value.clone());
    assert!(value("WWW-Authenticate").unwrap().contains(r#"error="use_dpop_nonce""#));
    let nonce = value("DPoP-Nonce").unwrap();
    let with_nonce = call("/whoami", &token, &proof(&token, "/whoami", &json!({"nonce": nonce})));
    assert!(gate.decide(&with_nonce, moment(), &spent).is_ok());
    gate.proofs.take_host(Some("gw-2".to_owned()));
    assert_eq!(gate.decide(&with_nonce, moment(), &Spent::default()).map(drop), Err(denial));
}

#[test]
fn an_explanation_takes_a_proof_for_one_that_nobody_has_used() {
    let token = bound_token(&json!({}));
    let raw = call("/whoami", &token, &proof(&token, "/whoami", &json!({})));
    assert!(gate().explain(&raw, moment(), SignatureCheck::Done).0.is_ok());
}
