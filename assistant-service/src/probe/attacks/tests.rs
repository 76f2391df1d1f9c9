//! The forgeries are wrong in the one way that they are meant to be, and as the gate's own core reads them.

use zeroize::Zeroizing;

use super::*;
use crate::probe::credential::Token;

const NOW: i64 = 1_800_000_000;

fn own(algorithm: &str) -> Token {
    let part = |value: serde_json::Value| {
        use base64::Engine as _;
        base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
    };
    let header = part(json!({"alg": algorithm, "typ": "at+jwt", "kid": "k1"}));
    let claims = part(
        json!({"iss": "https://idp", "sub": "probe", "aud": ["watchgate"], "exp": NOW + 600, "iat": NOW, "scope": "events:read mediations"}),
    );
    Token::of(Zeroizing::new(format!("{header}.{claims}.c2lnbmF0dXJl")))
}

fn read(token: &str) -> Token {
    Token::of(Zeroizing::new(token.to_owned()))
}

#[test]
fn forgeries_differ_from_the_own_token_in_what_they_are_named_for() {
    let (forger, own) = (Forger::default(), own("EdDSA"));
    let claims = own.unverified_claims.clone().unwrap();
    let some = Some(&own);

    let signed = read(&forger.signed(some, NOW).unwrap());
    assert_eq!(signed.header, own.header);
    assert_eq!(signed.unverified_claims.unwrap()["sub"], claims["sub"]);

    let audience = read(&forger.for_another_audience(some, NOW).unwrap()).unverified_claims.unwrap();
    assert_ne!(audience["aud"], claims["aud"]);
    assert_eq!(audience["iss"], claims["iss"]);

    let lapsed = read(&forger.lapsed(some, NOW).unwrap());
    assert!(lapsed.expires_at().unwrap() < NOW - 600);

    let unsigned = forger.unsigned(some, NOW);
    assert!(unsigned.ends_with('.') && read(&unsigned).header.unwrap()["alg"] == "none");

    let tampered = forger.tampered(some, NOW).unwrap();
    assert_eq!(tampered.split('.').next(), own.text.split('.').next());
    assert!(tampered.ends_with(".c2lnbmF0dXJl"));
    assert_eq!(read(&tampered).principal().unwrap(), "https://idp#somebody-else");
}

#[test]
fn forgeries_are_signed_with_the_algorithm_that_the_own_token_has_so_that_it_is_the_key_that_is_refused() {
    let forger = Forger::default();
    for (algorithm, expected) in
        [("EdDSA", "EdDSA"), ("ES256", "ES256"), ("RS256", "RS256"), ("PS256", "PS256"), ("HS256", "EdDSA")]
    {
        let signed = read(&forger.signed(Some(&own(algorithm)), NOW).unwrap());
        assert_eq!(signed.header.unwrap()["alg"], expected);
    }
    // An opaque token says nothing: then it is an issuer that nobody trusts.
    let signed = read(&forger.signed(Some(&read("opaque")), NOW).unwrap());
    assert!(signed.principal().unwrap().starts_with("https://probe.watchgate.invalid"));
}

#[test]
fn what_a_token_lacks_is_found_in_what_it_says() {
    let identity = |token: Token| Identity { principal: String::new(), token: std::sync::Arc::new(token) };
    assert_eq!(missing(&identity(own("EdDSA"))), Some("/v1/dead-letters?limit=1"));
    assert_eq!(missing(&identity(read("opaque"))), Some("/v1/dead-letters?limit=1"));
}
