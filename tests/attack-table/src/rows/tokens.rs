//! Tokens that somebody forged, and what is no token at all.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};

use super::{bad_token, denied, passes, post};
use crate::forge::{SECOND_ISSUER, text_signed_by};
use crate::forgery::{hmac_signed, public_key_secrets, tampered, unsigned};
use crate::keys::encoded;
use crate::{Forge, Request, Row};

/// A list in a list, so many times: whoever reads it goes as deep.
fn with_nested_claim(forge: &Forge, levels: usize) -> String {
    let draft = forge.draft();
    let claims = draft.claims.to_string();
    let (open, close) = ("[".repeat(levels), "]".repeat(levels));
    let claims = format!(r#"{{"deep":{open}{close},{}"#, claims.trim_start_matches('{'));
    text_signed_by(&draft.header.to_string(), &claims, |signed| forge.ed25519.key.sign("EdDSA", signed))
}

pub(super) fn forged(forge: &Forge) -> Result<Vec<Row>> {
    let good = &forge.good();
    let foreign = |kid: &str| forge.draft().header("kid", json!(kid)).sign(&forge.second.key);
    let mut rows = vec![
        bad_token("a tampered subject", "token_signature", &tampered(good, "sub", json!("root"))?),
        bad_token("a tampered scope", "token_signature", &tampered(good, "scope", json!("events:write admin"))?),
        bad_token("a prolonged expiry", "token_signature", &tampered(good, "exp", json!(4_102_444_800_u64))?),
        bad_token("alg none", "token_algorithm", &unsigned(good, "none")?),
        bad_token("alg None", "token_algorithm", &unsigned(good, "None")?),
        bad_token("alg NONE", "token_algorithm", &unsigned(good, "NONE")?),
        bad_token("no alg at all", "token_form", forge.header("alg", Value::Null)),
        bad_token("an empty alg", "token_algorithm", forge.header("alg", json!(""))),
        bad_token("a number as alg", "token_form", forge.header("alg", json!(0))),
        bad_token("alg none with the real signature", "token_algorithm", forge.header("alg", json!("none"))),
        bad_token("an alg in small letters", "token_algorithm", forge.header("alg", json!("eddsa"))),
        bad_token("RS256 announced, Ed25519 signed", "token_unknown_key", forge.header("alg", json!("RS256"))),
        bad_token("an algorithm that the issuer may not use", "token_algorithm_not_allowed", {
            let draft = forge.draft().header("alg", json!("ES256")).header("kid", json!(forge.not_allowed.kid));
            draft.sign(&forge.not_allowed.key)
        }),
        bad_token("another issuer's key under our key id", "token_signature", foreign(forge.ed25519.kid)),
        bad_token("another trusted issuer's key for our issuer", "token_unknown_key", foreign(forge.second.kid)),
        bad_token("our key for another trusted issuer", "token_unknown_key", forge.claim("iss", json!(SECOND_ISSUER))),
        bad_token("an unknown key id", "token_unknown_key", forge.header("kid", json!("nobody"))),
        bad_token("a number as key id", "token_form", forge.header("kid", json!(7))),
        bad_token("an object as key id", "token_form", forge.header("kid", json!({"a": 1}))),
        bad_token("a path as key id", "token_unknown_key", forge.header("kid", json!("../../gate.key"))),
        bad_token("a critical extension", "token_critical_extension", forge.header("crit", json!(["exp"]))),
        bad_token("critical extensions that are null", "token_critical_extension", {
            let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{}","crit":null}}"#, forge.ed25519.kid);
            let claims = forge.draft().claims.to_string();
            text_signed_by(&header, &claims, |signed| forge.ed25519.key.sign("EdDSA", signed))
        }),
        bad_token("an unencoded payload", "token_critical_extension", {
            forge.sign(&forge.draft().header("b64", json!(false)).header("crit", json!(["b64"])))
        }),
        bad_token("a key brought along in the header", "token_signature", {
            forge.draft().header("jwk", forge.second.key.jwk().clone()).sign(&forge.second.key)
        }),
        bad_token("a link to a key in the header", "token_signature", {
            let link = json!("https://attacker.example/jwks.json");
            forge.draft().header("jku", link).sign(&forge.second.key)
        }),
        bad_token("a key that nobody knows", "token_signature", forge.draft().sign(&forge.stranger)),
        passes("claims nested 120 deep", post(&with_nested_claim(forge, 120))),
        bad_token("claims nested 200 deep", "token_form", with_nested_claim(forge, 200)),
        bad_token("claims nested 5,000 deep", "token_form", with_nested_claim(forge, 5_000)),
    ];
    let jwks = forge.jwks().to_string();
    for (number, secret) in public_key_secrets(jwks.as_bytes())?.iter().enumerate() {
        let name = format!("an HMAC made from the public key, form {number}");
        rows.push(bad_token(name, "token_algorithm_not_allowed", &hmac_signed(good, secret)?));
    }
    Ok(rows)
}

pub(super) fn malformed(forge: &Forge) -> Result<Vec<Row>> {
    let good = &forge.good();
    let plain = || Request::new("POST", "/v1/events");
    let two_parts = good.rsplit_once('.').map_or("", |(two, _)| two);
    let draft = forge.draft();
    let signed_as_is =
        |signed: &str| format!("{signed}.{}", encoded(forge.ed25519.key.sign("EdDSA", signed.as_bytes())));
    let (header, claims) = (draft.header.to_string(), draft.claims.to_string());
    let text =
        |header: &str, claims: &str| text_signed_by(header, claims, |signed| forge.ed25519.key.sign("EdDSA", signed));
    Ok(vec![
        denied("no token", 401, "no_token", plain()),
        denied("an empty header", 401, "no_token", plain().header("Authorization:")),
        denied("a scheme and no token", 401, "token_form", plain().header("Authorization: Bearer")),
        denied("a scheme and a space", 401, "token_form", plain().header("Authorization: Bearer ")),
        denied("a token without a scheme", 401, "no_token", plain().header(format!("Authorization: {good}"))),
        denied(
            "another scheme of as many letters",
            401,
            "no_token",
            plain().header(format!("Authorization: Digest {good}")),
        ),
        denied("another scheme", 401, "no_token", plain().header(format!("Authorization: Basic {good}"))),
        denied(
            "a scheme that begins like ours",
            401,
            "no_token",
            plain().header(format!("Authorization: BearerX {good}")),
        ),
        denied("two tokens in one header", 401, "token_form", post(&format!("{good} {good}"))),
        denied("two tokens with a comma", 401, "token_form", post(&format!("{good}, Bearer {good}"))),
        denied("two Authorization headers", 400, "repeated_header", post(good).token(good)),
        denied("two Authorization headers, the first one empty", 400, "repeated_header", {
            plain().header("Authorization:").token(good)
        }),
        denied("a token with a letter that is no ASCII", 400, "malformed_header", post(&format!("{good}\u{e9}"))),
        denied("a token with a letter of two bytes", 400, "malformed_header", post(&format!("{good}\u{c3}\u{a9}"))),
        denied(
            "another scheme that is no ASCII",
            400,
            "malformed_header",
            plain().header("Authorization: Basic \u{e9}"),
        ),
        bad_token("no JWT", "token_form", "let-me-in"),
        bad_token("two parts", "token_form", two_parts),
        bad_token("four parts", "token_form", format!("{good}.x")),
        bad_token("five parts", "token_form", format!("{good}.x.y")),
        bad_token("padding behind the signature", "token_signature", format!("{good}=")),
        bad_token("bits behind the signature's last byte", "token_signature", with_last_bit(good)),
        bad_token("padding behind the claims", "token_form", signed_as_is(&padded(&header, &claims))),
        bad_token("claims in the other base64", "token_form", {
            // Both letters that differ are in it.
            let claims = claims.replacen('{', r#"{"a":"~~~???>>>","#, 1);
            signed_as_is(&format!("{}.{}", encoded(&header), STANDARD_NO_PAD.encode(&claims)))
        }),
        bad_token("an empty signature", "token_signature", format!("{two_parts}.")),
        bad_token("a token of 20 KiB", "token_too_long", format!("{good}{}", "A".repeat(20_000))),
        bad_token("claims that are a list", "token_form", text(&header, r#"["sub","console-7"]"#)),
        bad_token("a header that is a list", "token_form", {
            text(&format!(r#"["EdDSA","at+jwt","{}"]"#, forge.ed25519.kid), &claims)
        }),
        bad_token("a header with two algorithms", "token_form", {
            text(&header.replacen('{', r#"{"alg":"none","#, 1), &claims)
        }),
        bad_token("a header that is no text in a member that nobody reads", "token_form", {
            let header = [header.trim_end_matches('}').as_bytes(), b",\"x\":\"\xff\"}"].concat();
            signed_as_is(&format!("{}.{}", encoded(header), encoded(&claims)))
        }),
        bad_token("claims that break off", "token_form", text(&header, claims.trim_end_matches('}'))),
        bad_token("text behind the claims", "token_form", text(&header, &format!("{claims}x"))),
        denied(
            "the token in the query",
            401,
            "no_token",
            Request::new("POST", &format!("/v1/events?access_token={good}")),
        ),
        denied("the token in a cookie", 401, "no_token", plain().header(format!("Cookie: access_token={good}"))),
        denied("the token under an alias of the header", 401, "no_token", {
            plain().header(format!("X-Authorization: Bearer {good}"))
        }),
        passes("a good token", post(good)),
        passes("a good token, the scheme in lower case", plain().header(format!("authorization: bearer {good}"))),
        passes("a good token of the second issuer", post(&forge.of_the_second(json!(forge.after(600))))),
    ])
}

/// The same bytes in another spelling: the last digit of 64 bytes carries four bits that none needs.
fn with_last_bit(token: &str) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let Some((last, rest)) = token.as_bytes().split_last() else { return String::new() };
    let value = digits.iter().position(|digit| digit == last).unwrap_or(0);
    let other = digits.get(value ^ 1).copied().unwrap_or(b'A');
    String::from_utf8_lossy(&[rest, &[other]].concat()).into_owned()
}

/// The payload with as much padding as base64 would have, and at least some.
fn padded(header: &str, claims: &str) -> String {
    let claims = format!("{claims}{}", " ".repeat(claims.len().wrapping_add(1).wrapping_rem(3)));
    let claims = if claims.len().is_multiple_of(3) { format!("{claims} ") } else { claims };
    let mut payload = encoded(&claims);
    while !payload.len().is_multiple_of(4) {
        payload.push('=');
    }
    format!("{}.{payload}", encoded(header))
}
