//! The forgeries are wrong in the one way that they are meant to be, and as the gate's own core reads them.

use axum::http::StatusCode;
use zeroize::Zeroizing;

use super::*;
use crate::probe::against::{NOW, against, own};
use crate::probe::credential::Token;

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

/// What becomes of all attacks where everything is answered with this status.
async fn verdicts(status: StatusCode) -> Vec<(Attack, Verdict)> {
    let app = axum::Router::new().fallback(move || async move { (status, "{}") });
    against(app, "", async |walk, identity| attack(walk, Some(identity), true).await).await
}

#[tokio::test]
async fn a_gateway_that_lets_everything_through_denies_no_attack() {
    for (attack, verdict) in verdicts(StatusCode::OK).await {
        assert!(matches!(verdict, Verdict::NotDenied(_)), "{attack:?} {verdict:?}");
    }
}

#[tokio::test]
async fn whoever_is_away_or_has_had_enough_has_judged_no_attack() {
    for status in [429, 502, 503, 504] {
        for (attack, verdict) in verdicts(StatusCode::from_u16(status).unwrap()).await {
            assert!(matches!(verdict, Verdict::NotJudged(_)), "{attack:?} {verdict:?}");
        }
    }
}

#[tokio::test]
async fn an_identity_that_was_smuggled_in_is_seen_in_the_event() {
    for (whose, expected) in [(SOMEBODY, false), ("https://idp#probe", true)] {
        let found = json!({"events": [{"position": 1, "event": {"authid": whose}}]});
        let taken = axum::routing::post(async || StatusCode::ACCEPTED);
        let app = axum::Router::new().route("/v1/events", taken.get(move || async move { axum::Json(found) }));
        let verdict = against(app, "", async |walk, identity| smuggle(walk, identity).await.unwrap()).await;
        assert_eq!(verdict == Verdict::Denied, expected, "{verdict:?}");
    }
}

#[test]
fn an_attack_is_kept_by_the_name_that_it_is_told_by() {
    for attack in Attack::ALL {
        assert_eq!(json!(attack), attack.name());
    }
}
