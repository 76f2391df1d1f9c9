use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::token::InvalidToken;

fn raw() -> RawRequest {
    RawRequest {
        method: b"GET".to_vec(),
        target: b"/notes/1?token=secret".to_vec(),
        source_address: b"192.0.2.7:4711".to_vec(),
        ..RawRequest::default()
    }
}

fn at() -> WallTime {
    WallTime::from_epoch(Duration::from_secs(1_800_000_000))
}

fn record(denial: &Denial, raw: &RawRequest) -> DenialRecord<'static> {
    DenialRecord::new(denial, 401, Mode::Enforce, at(), raw)
}

#[test]
fn a_record_is_a_line_of_json_behind_a_newline() {
    let mut record = record(&Denial::InvalidToken(InvalidToken::Signature), &raw());
    record.set_rule("notes");
    record.set_source(ClientAddress::Known("192.0.2.7".parse().unwrap()));
    let line = record.line();
    assert_eq!((&line[..1], line.matches('\n').count()), ("\n", 1));
    assert_eq!(
        serde_json::from_str::<Value>(&line).unwrap(),
        json!({
            "time": "2027-01-15T08:00:00.000Z", "mode": "enforce", "status": 401, "reason": "token_signature",
            "rule": "notes", "source": "192.0.2.7", "method": "GET",
            // printf %s /notes/1 | sha256sum
            "path_digest": "2333803d77ddee1cd8fe035bd29a6781",
        })
    );
}

#[test]
fn nothing_of_the_clients_own_words_stands_in_a_record() {
    let token = format!(
        "{}.{}.x",
        base64(&json!({"alg": "EdDSA", "kid": "kid-secret"})),
        base64(&json!({"iss": "iss-secret", "sub": "sub-secret"}))
    );
    let mut raw = raw();
    raw.method = b"SECRET".to_vec();
    raw.target = b"/path-secret\n{\"status\":200}".to_vec();
    let mut record = record(&Denial::NoRule, &raw);
    record.set_token(&UnverifiedToken::parse(&token).unwrap());
    let line = record.line();
    assert!(!line.to_lowercase().contains("secret"), "{line}");
    let read: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read["method"], "other");
    for name in ["kid_digest", "iss_digest", "sub_digest", "path_digest"] {
        assert_eq!(read[name].as_str().map(str::len), Some(32), "{name}");
    }
}

fn base64(value: &Value) -> String {
    use base64::Engine;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn a_record_never_grows_beyond_what_one_write_takes() {
    let long = "\u{1}".repeat(2_000);
    let raw = RawRequest { method: vec![b'x'; 5_000], target: vec![b'/'; 8_000], ..raw() };
    let mut record = record(&Denial::NoRule, &raw);
    record.rule = Some(Box::leak(long.into_boxed_str()));
    let line = record.line();
    assert!(line.len() <= MAX_RECORD_BYTES && serde_json::from_str::<Value>(&line).is_ok(), "{}", line.len());
}

#[test]
fn the_log_shows_neither_the_query_nor_lines_of_a_client() {
    let raw = RawRequest { target: b"/a\nwatchgate: denied?secret".to_vec(), ..raw() };
    assert_eq!(
        log_line(&Denial::NoToken, 401, Mode::Observe, &raw),
        r#"watchgate: would be denied status=401 reason="no token" method="GET" path="/a\nwatchgate: denied" source="192.0.2.7:4711""#
    );
}
