//! Tokens that are rightly signed and say the wrong thing.

use serde_json::{Value, json};

use super::{bad_token, passes, post};
use crate::forge::ISSUER;
use crate::{Forge, Row};

/// The year 2100.
const FAR: u64 = 4_102_444_800;

pub(super) fn rows(forge: &Forge) -> Vec<Row> {
    let mut rows = times(forge);
    rows.extend(names(forge));
    rows.extend(types(forge));
    rows
}

fn times(forge: &Forge) -> Vec<Row> {
    let claim = |name: &str, reason, claim: &str, value: Value| bad_token(name, reason, forge.claim(claim, value));
    vec![
        claim("an expired token", "token_expired", "exp", json!(forge.after(-60))),
        claim("an expiry at zero", "token_expired", "exp", json!(0)),
        claim("no expiry", "token_time_form", "exp", Value::Null),
        claim("text as expiry", "token_time_form", "exp", json!("4102444800")),
        claim("a list as expiry", "token_time_form", "exp", json!([FAR])),
        claim("a negative expiry", "token_time_form", "exp", json!(-1)),
        claim("an expiry beyond all numbers", "token_time_form", "exp", json!(1e300)),
        claim("not valid before 2100", "token_not_yet_valid", "nbf", json!(FAR)),
        claim("issued in 2100", "token_not_yet_valid", "iat", json!(FAR)),
        claim("issued in six minutes", "token_not_yet_valid", "iat", json!(forge.after(360))),
        claim("text as not-before", "token_time_form", "nbf", json!("0")),
        claim("text as issued-at", "token_time_form", "iat", json!("yesterday")),
        bad_token("a token of an issuer without leeway, just expired", "token_expired", {
            forge.of_the_second(json!(forge.after(-2)))
        }),
        passes("a token that expired within the leeway", post(&forge.claim("exp", json!(forge.after(-5))))),
        passes("a token of an issuer whose clock is ahead", post(&forge.claim("iat", json!(forge.after(120))))),
        passes("a token that begins within the leeway", post(&forge.claim("nbf", json!(forge.after(5))))),
    ]
}

fn names(forge: &Forge) -> Vec<Row> {
    let claim = |name: &str, reason, claim: &str, value: Value| bad_token(name, reason, forge.claim(claim, value));
    vec![
        claim("no issuer", "token_issuer_form", "iss", Value::Null),
        claim("an unknown issuer", "token_unknown_issuer", "iss", json!("https://issuer.example")),
        claim("our issuer with a slash behind it", "token_unknown_issuer", "iss", json!(format!("{ISSUER}/"))),
        claim("our issuer in capitals", "token_unknown_issuer", "iss", json!(ISSUER.to_uppercase())),
        claim("a list as issuer", "token_issuer_form", "iss", json!([ISSUER])),
        claim("a number as issuer", "token_issuer_form", "iss", json!(1)),
        claim("no audience", "token_audience", "aud", Value::Null),
        claim("another audience", "token_audience", "aud", json!("billing")),
        claim("an audience that begins like ours", "token_audience", "aud", json!("watchgate-staging")),
        claim("an audience that ours begins like", "token_audience", "aud", json!("watch")),
        claim("other audiences", "token_audience", "aud", json!(["billing", "mail"])),
        claim("an empty list of audiences", "token_audience", "aud", json!([])),
        claim("a number as audience", "token_audience", "aud", json!(7)),
        claim("an object as audience", "token_audience", "aud", json!({"watchgate": true})),
        claim("our audience and a number", "token_audience", "aud", json!(["watchgate", 7])),
        claim("no subject", "token_subject", "sub", Value::Null),
        claim("a number as subject", "token_subject", "sub", json!(7)),
        claim("an empty subject", "token_subject", "sub", json!("")),
        passes("several audiences, ours among them", post(&forge.claim("aud", json!(["billing", "watchgate"])))),
    ]
}

fn types(forge: &Forge) -> Vec<Row> {
    let typ = |name: &str, reason, value: Value| bad_token(name, reason, forge.header("typ", value));
    vec![
        typ("no type", "token_type", Value::Null),
        typ("an ID token", "token_type", json!("JWT")),
        typ("one of our own transaction tokens' type", "token_type", json!("txntoken+jwt")),
        typ("a type that begins like ours", "token_type", json!("at+jwt+x")),
        typ("a type of another tree", "token_type", json!("text/at+jwt")),
        typ("a number as type", "token_form", json!(7)),
        passes("the type as a media type", post(&forge.header("typ", json!("application/at+jwt")))),
        bad_token("a token bound to a key that nobody showed", "token_without_proof", {
            forge.claim("cnf", json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}))
        }),
        bad_token("a token bound to something that is no object", "token_bound", forge.claim("cnf", json!("x"))),
        bad_token("a token bound to nothing that is named", "token_bound", forge.claim("cnf", json!({}))),
    ]
}
