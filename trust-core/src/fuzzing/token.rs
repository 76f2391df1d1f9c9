//! Any bytes as a token: as the one of a request, as somebody's signature, as the gate's own word.

use std::cell::RefCell;
use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::fixture::{AUDIENCE, ISSUER, NOW, UPSTREAM, VECTORS};
use super::fixture::{gate, gate_keys, genuine_tokens, jwks, moment, with_authorization};
use crate::claims::record::{ClaimRecord, ClaimValue};
use crate::claims::selection::ClaimSelection;
use crate::gate::Gate;
use crate::gate::explanation::SignatureCheck;
use crate::shared_files::NoSharedFiles;
use crate::token::UnverifiedToken;
use crate::token_verifier::TokenVerifier;
use crate::transaction_token::{
    LIFETIME_SECONDS, RequesterContext, TransactionClaims, TransactionContext, TransactionKeys,
};

thread_local! {
    /// The same for all inputs, with all that it remembers of them.
    static GATE: RefCell<Gate> = RefCell::new(gate());
}

static GENUINE: LazyLock<[String; 2]> = LazyLock::new(genuine_tokens);
static VERIFIER: LazyLock<TokenVerifier> =
    LazyLock::new(|| TokenVerifier::new(jwks().to_string().as_bytes(), &[]).expect("the keys are valid"));
static TRANSACTION_KEYS: LazyLock<TransactionKeys> = LazyLock::new(|| gate_keys().transaction_keys(UPSTREAM));
static TRANSACTION_TOKEN: LazyLock<String> =
    LazyLock::new(|| transaction_claims().sign(&TRANSACTION_KEYS).expect("there is a key"));

pub(super) fn check(bytes: &[u8]) {
    only_genuine_tokens_open_the_gate(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    only_signed_texts_have_a_signature(text);
    only_our_own_word_counts_as_ours(text);
    if let Ok(token) = UnverifiedToken::parse(text) {
        a_token_has_one_reading(text, &token);
        claims_are_kept_as_they_are(&token.unverified_claims);
    }
}

/// Whoever comes in without a token of ours: the first time, and again when the gate has met the token before.
fn only_genuine_tokens_open_the_gate(bytes: &[u8]) {
    let request = with_authorization(&[b"Bearer ", bytes].concat());
    let bearer = GENUINE[0].as_str();
    GATE.with_borrow_mut(|gate| {
        let decision = gate.decide(&request.clone(), moment(), &NoSharedFiles);
        assert!(decision.is_err() || bytes.trim_ascii() == bearer.as_bytes(), "let in by a token that nobody has made");
        assert_eq!(
            gate.decide(&request.clone(), moment(), &NoSharedFiles),
            decision,
            "a second look sees another thing"
        );
        assert_eq!(gate.explain(&request.clone(), moment(), SignatureCheck::Done).0, decision);
        let assumed = gate.explain(&request.clone(), moment(), SignatureCheck::Assumed).0;
        assert!(decision.is_err() || assumed.is_ok(), "without its signature it would be refused");
        if assumed.is_ok() {
            let text = std::str::from_utf8(bytes).expect("a token is text").trim_matches(' ');
            assert!(is_acceptable(text).is_some_and(|acceptable| acceptable), "accepted but for its signature: {text}");
        }
        if let Err(denial) = decision {
            let refusal = gate.refuse(&denial, &request, moment(), &NoSharedFiles);
            assert!(!refusal.log_line.chars().any(char::is_control), "{:?}", refusal.log_line);
        }
    });
}

/// What a token of this issuer must be like, read without any of the gate's code.
fn is_acceptable(text: &str) -> Option<bool> {
    let [header, payload, _signature] = text.split('.').collect::<Vec<_>>().try_into().ok()?;
    let part = |encoded: &str| serde_json::from_slice::<Value>(&BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?).ok();
    let (header, claims) = (part(header)?, part(payload)?);
    let is_type = |name: &str| ["at+jwt", "jwt", "application/at+jwt", "application/jwt"].contains(&name);
    let audience = &claims["aud"];
    let time = |name: &str| claims.get(name).map(|time| time.as_f64().unwrap_or(f64::NAN));
    let now = 1_800_000_000.0;
    Some(
        header["alg"].as_str().is_some_and(|name| !name.starts_with("HS") && !name.eq_ignore_ascii_case("none"))
            && header["typ"].as_str().is_some_and(|name| is_type(&name.to_ascii_lowercase()))
            && header.get("crit").is_none()
            && claims["iss"] == ISSUER
            && claims["sub"].as_str().is_some_and(|subject| !subject.is_empty())
            && (audience == AUDIENCE || audience.as_array().is_some_and(|all| all.iter().any(|one| one == AUDIENCE)))
            && time("exp").is_some_and(|end| end + 30.0 > now)
            && time("nbf").is_none_or(|beginning| beginning < now + 31.0)
            && claims.get("cnf").is_none(),
    )
}

fn only_signed_texts_have_a_signature(text: &str) {
    if VERIFIER.check_signature(text).is_err() {
        return;
    }
    // Of ECDSA a second signature can be made of any first, over the same text.
    let is_signed = |genuine: &str| {
        genuine.rsplit_once('.').map(|(signed, _)| signed) == text.rsplit_once('.').map(|(signed, _)| signed)
    };
    let genuine: Vec<_> =
        GENUINE.iter().map(String::as_str).chain(VECTORS).filter(|genuine| is_signed(genuine)).collect();
    assert!(!genuine.is_empty(), "a signature over what nobody has signed: {text}");
    assert!(
        genuine.contains(&text) || genuine.iter().any(|genuine| *genuine == VECTORS[2]),
        "a second spelling: {text}"
    );
}

fn transaction_claims() -> TransactionClaims {
    TransactionClaims {
        iss: "https://gw.example.com".to_owned(),
        aud: UPSTREAM.to_owned(),
        iat: NOW.0,
        exp: NOW.plus(LIFETIME_SECONDS).0,
        txn: "txn".to_owned(),
        sub: Some("tester 7".to_owned()),
        scope: None,
        tctx: TransactionContext {
            rule: "whoami".to_owned(),
            method: "GET".to_owned(),
            host: "gw.example.com".to_owned(),
            target: "/whoami".to_owned(),
            event_types: Vec::new(),
        },
        rctx: RequesterContext::default(),
    }
}

/// The word of a gate with these keys; it opens no gate.
pub(crate) fn transaction_token() -> &'static str {
    &TRANSACTION_TOKEN
}

fn only_our_own_word_counts_as_ours(text: &str) {
    if let Ok(claims) = TransactionClaims::verify(text, &TRANSACTION_KEYS, NOW) {
        assert_eq!(text, transaction_token(), "the gate's word in another spelling");
        assert_eq!(claims, transaction_claims());
    }
}

fn a_token_has_one_reading(text: &str, token: &UnverifiedToken) {
    assert_eq!(format!("{}.{}", token.signed, token.signature), text);
    assert_eq!(text.bytes().filter(|byte| *byte == b'.').count(), 2, "{text}");
    let header = token.signed.split('.').next().and_then(|encoded| BASE64_URL_SAFE_NO_PAD.decode(encoded).ok());
    let header = String::from_utf8(header.expect("base64")).expect("JSON is UTF-8");
    // In a member that nobody asks for, half a surrogate pair is passed over.
    let Ok(header) = serde_json::from_str::<Value>(&header) else { return };
    assert_eq!(header["alg"], token.unverified_algorithm.name());
    assert_eq!(header["typ"].as_str(), token.unverified_type.as_deref());
    assert_eq!(header["kid"].as_str(), token.unverified_kid.as_deref());
}

/// What a rule sees of a claim in its compact form is what the token says.
fn claims_are_kept_as_they_are(claims: &Map<String, Value>) {
    let mut selection = ClaimSelection::default();
    claims.keys().for_each(|name| selection.want(name, None));
    let record = ClaimRecord::of(claims, &selection).expect("no claim of a token is too long");
    for (name, value) in claims {
        assert!(is_kept(value, record.get(name)), "{name}: {value} is kept as {:?}", record.get(name));
    }
}

fn json_text(value: &Value) -> String {
    value.to_string()
}

fn is_kept(value: &Value, held: Option<ClaimValue<'_>>) -> bool {
    match (value, held) {
        (Value::String(text), Some(ClaimValue::Text(held))) => text == held,
        (Value::Null | Value::Bool(_) | Value::Number(_), Some(ClaimValue::Scalar(held))) => json_text(value) == held,
        (Value::Object(_), Some(ClaimValue::Object(held))) => json_text(value) == held,
        (Value::Array(members), Some(held @ ClaimValue::List(_))) => {
            let held: Vec<_> = held.members().collect();
            members.len() == held.len() && members.iter().zip(held).all(|(member, held)| is_kept(member, Some(held)))
        }
        _ => false,
    }
}
