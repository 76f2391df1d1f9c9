//! Tokens that are bound to a client certificate, on the whole walk.

use base64::prelude::BASE64_STANDARD;
use sha2::Digest;

use super::answers::gate_with;
use super::*;

const HEADER: &str = "X-Forwarded-Tls-Client-Cert";

fn bound_token(der: &[u8]) -> String {
    let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(der));
    token(&header(), &changed(claims(), &json!({"cnf": {"x5t#S256": thumbprint}})))
}

fn call(token: &str, shown: Option<&[u8]>) -> RawRequest {
    let mut raw = with_token("/whoami", token);
    raw.headers.extend(shown.map(|der| (HEADER.to_owned(), vec![BASE64_STANDARD.encode(der).into_bytes()])));
    raw
}

#[test]
fn a_bound_token_passes_with_its_certificate_alone_and_also_when_it_is_cached() {
    let mut gate = gate_with(&json!({"trustClientCertificate": "true"}));
    let token = bound_token(b"mine");
    let bound = Err(Denial::InvalidToken(InvalidToken::Bound));
    for _ in 0..2 {
        let passed = gate.decide(&call(&token, Some(b"mine")), moment(), &NoSharedFiles).unwrap();
        assert!(!passed.remove.iter().any(|name| name == HEADER), "what Traefik says is for the back end as well");
        for shown in [None, Some(&b"another"[..])] {
            assert_eq!(gate.decide(&call(&token, shown), moment(), &NoSharedFiles).map(drop), bound, "{shown:?}");
        }
    }
    assert!(gate.decide(&call(&good_token(), Some(b"mine")), moment(), &NoSharedFiles).is_ok());
    assert!(gate.reads_header(HEADER));
}

#[test]
fn without_trust_the_header_is_the_clients_and_goes_no_further() {
    let mut gate = gate();
    let forged = call(&bound_token(b"mine"), Some(b"mine"));
    let bound = Err(Denial::InvalidToken(InvalidToken::Bound));
    assert_eq!(gate.decide(&forged, moment(), &NoSharedFiles).map(drop), bound);
    let forwarding = gate.decide(&call(&good_token(), Some(b"mine")), moment(), &NoSharedFiles).unwrap();
    assert!(forwarding.remove.iter().any(|name| name == HEADER));
    assert!(!gate.reads_header(HEADER));
}

#[test]
fn a_rule_may_ask_for_a_bound_token() {
    let rules = json!([{"name": "r", "match": "Path(`/whoami`)", "require": "BoundToClient()"}]);
    let mut gate = gate_with(&json!({"trustClientCertificate": true, "rules": rules}));
    assert!(gate.decide(&call(&bound_token(b"mine"), Some(b"mine")), moment(), &NoSharedFiles).is_ok());
    let unbound = gate.decide(&call(&good_token(), Some(b"mine")), moment(), &NoSharedFiles);
    assert_eq!(unbound, Err(Denial::Insufficient { rule: "r".into(), scope: String::new() }));
}
