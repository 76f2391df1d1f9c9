//! What stands behind the gate, and what it takes for the gate's word: transaction tokens that the gate did not make, or not
//! for this request.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use trust_core::time::UnixSeconds;
use trust_core::transaction_token::{InvalidTransactionToken, TransactionClaims, TransactionKeys};

use crate::stage::NOW;

const KEYS: &str =
    r#"{"audience":"service","keys":[{"kid":"g","secret":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"}]}"#;
const SECRET: [u8; 32] = [7; 32];

/// The token was good, and made for another request.
const OTHER_REQUEST: &str = "transaction_other_request";

/// All of them; the match below holds the list together.
pub(crate) const REASONS: [&str; 6] = [
    code(InvalidTransactionToken::Form),
    code(InvalidTransactionToken::UnknownKey),
    code(InvalidTransactionToken::Signature),
    code(InvalidTransactionToken::Audience),
    code(InvalidTransactionToken::Time),
    OTHER_REQUEST,
];

type Played = (&'static str, Option<&'static str>, Option<String>);

/// Each row: its name, the reason that it expects, and what became of it if that is wrong.
pub(crate) fn play() -> Result<Vec<Played>> {
    let keys = TransactionKeys::from_json(KEYS.as_bytes()).context("the keys are none")?;
    let rows = rows();
    Ok(rows
        .into_iter()
        .map(|(name, token, expected)| {
            let became = verified(&token, &keys);
            let outcome = (became != expected).then(|| became.unwrap_or("taken").to_string());
            (name, expected, outcome)
        })
        .collect())
}

fn rows() -> Vec<(&'static str, String, Option<&'static str>)> {
    use InvalidTransactionToken as Invalid;
    let (form, time) = (Some(code(Invalid::Form)), Some(code(Invalid::Time)));
    let good = token(&header(), &claims());
    let (signed, signature) = good.rsplit_once('.').unwrap_or_default();
    let other = changed(header(), "kid", json!("other"));
    let of_another = changed(claims(), "aud", json!("another"));
    let request = |name: &str, value: &str| {
        let mut claims = claims();
        if let Some(context) = claims.get_mut("tctx") {
            *context = changed(context.clone(), name, json!(value));
        }
        token(&header(), &claims)
    };
    vec![
        ("a good transaction token", good.clone(), None),
        ("a transaction token of 70 KiB", format!("{}.{signature}", "A".repeat(70_000)), form),
        ("a transaction token that is long and good", long(), form),
        ("no transaction token", "let-me-in".to_owned(), form),
        ("an access token in its place", token(&changed(header(), "typ", json!("at+jwt")), &claims()), form),
        ("a transaction token without a signature", token(&changed(header(), "alg", json!("none")), &claims()), form),
        ("a transaction token with padding", format!("{good}="), form),
        ("a transaction token by an unknown key", token(&other, &claims()), Some(code(Invalid::UnknownKey))),
        (
            "a transaction token by another secret",
            signed_with(&[8; 32], &header(), &claims()),
            Some(code(Invalid::Signature)),
        ),
        (
            "a part of a MAC",
            format!("{signed}.{}", signature.get(..20).unwrap_or_default()),
            Some(code(Invalid::Signature)),
        ),
        ("a transaction token for another audience", token(&header(), &of_another), Some(code(Invalid::Audience))),
        ("a transaction token that has expired", token(&header(), &changed(claims(), "exp", json!(NOW))), time),
        (
            "a transaction token of the future",
            token(&header(), &changed(claims(), "iat", json!(NOW.saturating_add(6)))),
            time,
        ),
        ("a transaction token for another method", request("method", "GET"), Some(OTHER_REQUEST)),
        ("a transaction token for another host", request("host", "gateway.example"), Some(OTHER_REQUEST)),
        ("a transaction token for another target", request("target", "/v1/events?a=1"), Some(OTHER_REQUEST)),
    ]
}

fn verified(token: &str, keys: &TransactionKeys) -> Option<&'static str> {
    match TransactionClaims::verify(token, keys, UnixSeconds(NOW)) {
        Ok(claims) if claims.is_for("POST", "LOCALHOST", "/v1/events") => None,
        Ok(_) => Some(OTHER_REQUEST),
        Err(invalid) => Some(code(invalid)),
    }
}

const fn code(invalid: InvalidTransactionToken) -> &'static str {
    match invalid {
        InvalidTransactionToken::Form => "transaction_form",
        InvalidTransactionToken::UnknownKey => "transaction_unknown_key",
        InvalidTransactionToken::Signature => "transaction_signature",
        InvalidTransactionToken::Audience => "transaction_audience",
        InvalidTransactionToken::Time => "transaction_time",
    }
}

fn header() -> Value {
    json!({"alg": "HS256", "typ": "txntoken+jwt", "kid": "g"})
}

fn claims() -> Value {
    json!({
        "iss": "https://gw.example.com", "aud": "service", "iat": NOW, "exp": NOW.saturating_add(30), "txn": "1",
        "sub": "console-7", "rctx": {"iss": "https://issuer.watchgate.test"},
        "tctx": {"rule": "events", "method": "POST", "host": "localhost", "target": "/v1/events"},
    })
}

fn changed(mut object: Value, name: &str, value: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    object
}

fn long() -> String {
    token(&header(), &changed(claims(), "scope", json!("a ".repeat(35_000))))
}

fn token(header: &Value, claims: &Value) -> String {
    signed_with(&SECRET, header, claims)
}

fn signed_with(secret: &[u8], header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(header), encode(claims));
    // An HMAC takes a key of any length.
    let mac = Hmac::<Sha256>::new_from_slice(secret).map(|mac| mac.chain_update(&signed).finalize().into_bytes());
    format!("{signed}.{}", mac.map(|mac| BASE64_URL_SAFE_NO_PAD.encode(mac)).unwrap_or_default())
}
