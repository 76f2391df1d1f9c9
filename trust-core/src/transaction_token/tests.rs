use super::*;
use crate::gate_key::GateKeys;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

fn claims(audience: &str) -> TransactionClaims {
    TransactionClaims {
        iss: "https://gw.example.com".into(),
        aud: audience.into(),
        iat: NOW.0,
        exp: NOW.plus(LIFETIME_SECONDS).0,
        txn: "event-1".into(),
        sub: Some("tester-7".into()),
        scope: Some("events:write".into()),
        tctx: TransactionContext {
            rule: "events".into(),
            method: "POST".into(),
            host: "gw.example.com".into(),
            target: "/v1/events?a=1".into(),
            event_types: vec!["com.example.*".into()],
        },
        rctx: RequesterContext { iss: Some("https://idp.example.com".into()), ..RequesterContext::default() },
    }
}

fn keys(kid: &str, fill: u8) -> GateKeys {
    GateKeys::generate(kid.into(), [fill; 32], None)
}

#[test]
fn a_token_is_read_as_it_was_signed() {
    let keys = keys("a", 1).transaction_keys("service");
    let token = claims("service").sign(&keys).unwrap();
    let read = TransactionClaims::verify(&token, &keys, NOW).unwrap();
    assert_eq!(read, claims("service"));
    assert_eq!(read.principal(), Some(Principal::new("https://idp.example.com", "tester-7")));
    assert!(read.is_for("POST", "GW.example.com", "/v1/events?a=1"));
    for (method, host, target) in [
        ("GET", "gw.example.com", "/v1/events?a=1"),
        ("POST", "other.example.com", "/v1/events?a=1"),
        ("POST", "gw.example.com", "/v1/events"),
    ] {
        assert!(!read.is_for(method, host, target));
    }
}

#[test]
fn a_token_made_before_a_rotation_stays_good() {
    let before = keys("a", 1);
    let after = GateKeys::generate("b".into(), [2; 32], Some(&before));
    let token = claims("service").sign(&before.transaction_keys("service")).unwrap();
    assert!(TransactionClaims::verify(&token, &after.transaction_keys("service"), NOW).is_ok());
}

#[test]
fn what_was_not_made_for_us_now_is_refused() {
    let ours = keys("a", 1).transaction_keys("service");
    let good = claims("service").sign(&ours).unwrap();
    let with_header = |header: &str| {
        let rest = good.split_once('.').unwrap().1;
        format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(header))
    };
    let unsigned = with_header(r#"{"alg":"none","typ":"txntoken+jwt","kid":"a"}"#);
    let other_type = with_header(r#"{"alg":"HS256","typ":"JWT","kid":"a"}"#);
    let other_audience = claims("other").sign(&ours).unwrap();
    let (signed, _) = good.rsplit_once('.').unwrap();
    for (name, token, now, expected) in [
        ("expired", good.clone(), NOW.plus(30), InvalidTransactionToken::Time),
        ("from the future", good.clone(), UnixSeconds(NOW.0 - 6), InvalidTransactionToken::Time),
        ("unsigned", unsigned, NOW, InvalidTransactionToken::Form),
        ("another kind of token", other_type, NOW, InvalidTransactionToken::Form),
        ("another audience", other_audience, NOW, InvalidTransactionToken::Audience),
        ("no signature", format!("{signed}."), NOW, InvalidTransactionToken::Signature),
        ("half a signature", good[..good.len() - 23].to_owned(), NOW, InvalidTransactionToken::Signature),
        ("not a token", "a.b".into(), NOW, InvalidTransactionToken::Form),
        ("empty", String::new(), NOW, InvalidTransactionToken::Form),
    ] {
        assert_eq!(TransactionClaims::verify(&token, &ours, now).unwrap_err(), expected, "{name}");
    }
    for (name, stranger, expected) in [
        ("another secret", keys("a", 9), InvalidTransactionToken::Signature),
        ("another key id", keys("z", 1), InvalidTransactionToken::UnknownKey),
    ] {
        let token = claims("service").sign(&stranger.transaction_keys("service")).unwrap();
        assert_eq!(TransactionClaims::verify(&token, &ours, NOW).unwrap_err(), expected, "{name}");
    }
    let for_sibling = claims("service").sign(&keys("a", 1).transaction_keys("sibling")).unwrap();
    assert_eq!(
        TransactionClaims::verify(&for_sibling, &ours, NOW).unwrap_err(),
        InvalidTransactionToken::Signature,
        "a sibling service's sub-key"
    );
}
