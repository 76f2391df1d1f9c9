//! Proofs with which a client asks for a token (RFC 9449, section 5): no token names the key yet, so any key will do, and what is
//! given is bound to it. For services of ours that give tokens behind the gate; it is the gate's own verifier.

use super::{DEFAULT_MAX_AGE_SECONDS, HEADER, InvalidProof, Proofs, UnspentProof, Wanted};
use crate::config::origin;
use crate::request::{RawRequest, RequestFacts};
use crate::signature::Algorithm;
use crate::time::UnixSeconds;

/// For how long a proof passes, in seconds. Whoever remembers spent ones for longer than this, and a minute, lets none pass twice.
pub const MAX_AGE_SECONDS: u64 = DEFAULT_MAX_AGE_SECONDS;

/// What is asked of such proofs.
#[derive(Debug)]
pub struct TokenRequests(Proofs);

/// A request, as a gate has seen it: its word alone says under which host the client came.
#[derive(Clone, Copy, Debug)]
pub struct SeenRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The host, with its port if one was given.
    pub host: &'a str,
    /// Path and query.
    pub target: &'a str,
}

/// A key whose holder has proved that it is theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenKey {
    /// Its thumbprint (RFC 7638, SHA-256).
    pub thumbprint: [u8; 32],
    /// The proof's name, the same whoever looks at it: to be remembered, so that it passes once.
    pub proof: String,
}

impl TokenRequests {
    /// Holds proofs against these origins, such as `https://gw.example.com`. Nothing where one is none, or there is none.
    #[must_use]
    pub fn new(origins: &[String]) -> Option<Self> {
        let origins: Vec<_> = origins.iter().map(|text| origin(text)).collect::<Option<_>>()?;
        let is_usable = !origins.is_empty();
        is_usable.then(|| Self(Proofs::new(origins, Algorithm::WITH_PUBLIC_KEY.to_vec(), MAX_AGE_SECONDS)))
    }

    /// Checks the one proof of a request. `proofs` are the values of its `DPoP` header.
    ///
    /// # Errors
    /// [`InvalidProof`] says what is wrong with it.
    pub fn verify(
        &self,
        request: SeenRequest<'_>,
        proofs: Vec<Vec<u8>>,
        now: UnixSeconds,
    ) -> Result<ProvenKey, InvalidProof> {
        let raw = RawRequest {
            method: request.method.as_bytes().to_vec(),
            target: request.target.as_bytes().to_vec(),
            host: request.host.as_bytes().to_vec(),
            source_address: Vec::new(),
            headers: vec![(HEADER.to_owned(), proofs)],
        };
        let facts = RequestFacts::read(&raw).map_err(|_| InvalidProof::Target)?;
        let text = facts.only_header_value(HEADER).map_err(|_| InvalidProof::Form)?.ok_or(InvalidProof::Missing)?;
        let held = Wanted { policy: &self.0, key: None, token_digest: None, facts: &facts, now }.verify(text)?;
        Ok(ProvenKey { thumbprint: held.key, proof: UnspentProof::new(&held).name })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use ed25519_dalek::{Signer, SigningKey};
    use serde_json::{Value, json};
    use sha2::{Digest, Sha256};

    use super::*;

    const NOW: u64 = 1_800_000_000;
    const ADDRESS: &str = "https://gw.example.com/v1/sessions:token";

    fn proof(seed: u8, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let x = BASE64_URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x}});
        let mut claims = json!({"htm": "POST", "htu": ADDRESS, "iat": NOW, "jti": "one"});
        change(&mut claims);
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).to_bytes());
        format!("{signed}.{signature}").into_bytes()
    }

    fn verify(proofs: Vec<Vec<u8>>, host: &str) -> Result<ProvenKey, InvalidProof> {
        let requests = TokenRequests::new(&["https://gw.example.com".to_owned()]).unwrap();
        let seen = SeenRequest { method: "POST", host, target: "/v1/sessions:token" };
        requests.verify(seen, proofs, UnixSeconds(NOW))
    }

    #[test]
    fn a_good_proof_names_its_own_key_and_itself() {
        let one = verify(vec![proof(1, |_| {})], "gw.example.com").unwrap();
        let x = BASE64_URL_SAFE_NO_PAD.encode(SigningKey::from_bytes(&[1; 32]).verifying_key().as_bytes());
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        assert_eq!(one.thumbprint[..], thumbprint[..]);
        assert_eq!(verify(vec![proof(1, |claims| claims["iat"] = json!(NOW - 1))], "gw.example.com").unwrap(), one);
        assert_ne!(verify(vec![proof(1, |claims| claims["jti"] = json!("two"))], "gw.example.com").unwrap(), one);
        assert_ne!(verify(vec![proof(2, |_| {})], "gw.example.com").unwrap().proof, one.proof);
    }

    #[test]
    fn a_proof_for_anything_else_is_refused() {
        type Change = fn(&mut Value);
        let changes: [(Change, InvalidProof); 7] = [
            (|claims| claims["htm"] = json!("GET"), InvalidProof::Method),
            (|claims| claims["htu"] = json!("https://gw.example.com/v1/sessions"), InvalidProof::Target),
            (|claims| claims["htu"] = json!("https://evil.example.com/v1/sessions:token"), InvalidProof::Target),
            (|claims| claims["iat"] = json!(NOW - 61), InvalidProof::Time),
            (|claims| claims["iat"] = json!(NOW + 6), InvalidProof::Time),
            // Made for use with a token.
            (|claims| claims["ath"] = json!("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"), InvalidProof::Token),
            (|claims| claims["jti"] = json!(""), InvalidProof::Identifier),
        ];
        for (change, expected) in changes {
            assert_eq!(verify(vec![proof(1, change)], "gw.example.com"), Err(expected));
        }
        assert_eq!(verify(vec![proof(1, |_| {})], "evil.example.com"), Err(InvalidProof::Target));
        assert_eq!(verify(vec![], "gw.example.com"), Err(InvalidProof::Missing));
        assert_eq!(verify(vec![proof(1, |_| {}), proof(1, |_| {})], "gw.example.com"), Err(InvalidProof::Form));
        let mut forged = proof(1, |_| {});
        let last = forged.len() - 2;
        forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
        assert_eq!(verify(vec![forged], "gw.example.com"), Err(InvalidProof::Signature));
    }

    #[test]
    fn without_an_origin_nothing_is_held_against_anything() {
        for origins in [vec![], vec!["gw.example.com".to_owned()], vec!["https://a b".to_owned()]] {
            assert!(TokenRequests::new(&origins).is_none(), "{origins:?}");
        }
    }
}
