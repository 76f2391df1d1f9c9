//! What becomes of denied requests: observed ones, counted ones, and the records of all of them.

use std::cell::RefCell;

use super::answers::gate_with;
use super::*;
use crate::shared_files::SharedFile;

/// The files that gates share, in memory.
#[derive(Default)]
struct Files {
    bad_tokens: RefCell<Vec<u8>>,
    denials: RefCell<Vec<String>>,
}

impl SharedFiles for Files {
    fn read_at(&self, file: SharedFile, offset: u64, buffer: &mut [u8]) -> bool {
        let held = self.bad_tokens.borrow();
        let found = held.get(offset as usize..offset as usize + buffer.len()).filter(|_| file == SharedFile::BadTokens);
        found.map(|found| buffer.copy_from_slice(found)).is_some()
    }

    fn write_at(&self, file: SharedFile, offset: u64, bytes: &[u8]) -> bool {
        let mut held = self.bad_tokens.borrow_mut();
        held.resize(BAD_TOKENS_BYTES as usize, 0);
        let place = held.get_mut(offset as usize..offset as usize + bytes.len());
        place.filter(|_| file == SharedFile::BadTokens).map(|place| place.copy_from_slice(bytes)).is_some()
    }

    fn append_denial(&self, line: &str) {
        self.denials.borrow_mut().push(line.to_owned());
    }
}

/// As the adapter does it.
fn judge(gate: &mut Gate, raw: &RawRequest, files: &Files) -> Result<Forwarding, (Denial, Outcome)> {
    gate.decide(&raw.clone(), moment(), files).map_err(|denial| {
        let refusal = gate.refuse(&denial, &raw.clone(), moment(), files);
        (denial, refusal.outcome)
    })
}

fn from(address: &str, raw: RawRequest) -> RawRequest {
    RawRequest { source_address: address.into(), ..raw }
}

fn bad_token() -> RawRequest {
    let good = good_token();
    with_token("/whoami", &format!("{}.{}", good.rsplit_once('.').unwrap().0, "A".repeat(86)))
}

#[test]
fn what_would_be_denied_passes_without_any_identity_where_the_gate_only_observes() {
    let mut gate = gate_with(&json!({"mode": "observe"}));
    let forged = [
        ("X-Auth-Subject", "root"),
        ("x_auth_team", "root"),
        ("Txn-Token", "forged"),
        ("ce-authid", "root"),
        ("Ce-Type", "com.example.frame"),
        ("Accept", "*/*"),
    ];
    let with = |method: &str, target: &str, more: &[(&str, &str)]| {
        let mut headers = forged.to_vec();
        headers.extend(more);
        request(method, target, &headers)
    };
    let bearer = format!("Bearer {}", good_token());
    let many: Vec<_> = (0..300).map(|number| format!("X-{number}")).collect();
    let too_many: Vec<_> = many.iter().map(|name| (name.as_str(), "a")).collect();
    for (name, raw, reason) in [
        ("no token", with("GET", "/whoami", &[]), "no_token"),
        ("a bad token", with("GET", "/whoami", &[("Authorization", "Bearer x")]), "token_form"),
        ("no rule", with("GET", "/admin", &[("Authorization", &bearer)]), "no_rule"),
        ("too few rights", with("GET", "/v1/ask", &[("Authorization", &bearer)]), "insufficient_claims"),
        ("an ambiguous path", with("GET", "/a/../whoami", &[]), "ambiguous_path"),
        ("two tokens", with("GET", "/whoami", &[("Authorization", "a"), ("Authorization", "b")]), "repeated_header"),
        ("a method override", with("GET", "/healthz", &[("X-HTTP-Method", "PUT")]), "method_override"),
        ("early data", with("GET", "/healthz", &[("Early-Data", "1")]), "too_early"),
        ("another host", RawRequest { host: b"evil.example".to_vec(), ..with("GET", "/", &[]) }, "foreign_host"),
        ("no host", RawRequest { host: Vec::new(), ..with("GET", "/", &[]) }, "malformed_method_or_host"),
        ("too many headers", with("GET", "/healthz", &too_many), "too_many_headers"),
        ("an upgrade", with("GET", "/healthz", &[("Upgrade", "h2c"), ("Http2-Settings", "")]), "upgrade"),
    ] {
        let files = Files::default();
        let (_, outcome) = judge(&mut gate, &raw, &files).unwrap_err();
        let Outcome::Pass(forwarding) = outcome else { panic!("{name} was answered") };
        assert_eq!(forwarding.set, [], "{name}");
        for (forged, _) in forged.iter().take(5) {
            assert!(forwarding.remove.iter().any(|removed| removed == forged), "{name}: {forged} stays");
        }
        let is_kept = |header: &str| !forwarding.remove.iter().any(|removed| removed == header);
        assert!(is_kept("Accept"), "{name}");
        assert!(
            !raw.headers.iter().any(|(header, _)| header == "Authorization") || !is_kept("Authorization"),
            "{name}"
        );
        assert!(!raw.headers.iter().any(|(header, _)| header == "Upgrade") || !is_kept("Upgrade"), "{name}");
        let record: Value = serde_json::from_str(&files.denials.borrow()[0]).unwrap();
        assert_eq!((&record["mode"], &record["reason"]), (&json!("observe"), &json!(reason)), "{name}");
    }
    let good = judge(&mut gate, &with_token("/whoami", &good_token()), &Files::default()).unwrap();
    assert!(header_of(&good, "Txn-Token").is_some(), "who may pass passes as always");
    let log = gate.refuse(&Denial::NoToken, &request("GET", "/", &[]), moment(), &NoSharedFiles).log_line;
    assert!(log.starts_with("watchgate: would be denied status=401"), "{log}");
}

#[test]
fn a_gate_without_a_configuration_lets_nothing_pass() {
    let refusal = Refusal::without_gate(&Denial::NotConfigured, &request("GET", "/", &[]));
    assert!(matches!(refusal.outcome, Outcome::Answer(answer) if answer.status == 503));
}

#[test]
fn every_denial_leaves_one_line() {
    let (mut gate, files) = (gate(), Files::default());
    for raw in [request("GET", "/v1/ask", &[]), with_token("/v1/ask", &good_token()), bad_token()] {
        judge(&mut gate, &raw, &files).unwrap_err();
    }
    judge(&mut gate, &with_token("/whoami", &good_token()), &files).unwrap();
    let lines = files.denials.borrow();
    let records: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        records.iter().map(|record| (record["reason"].as_str().unwrap(), &record["status"])).collect::<Vec<_>>(),
        [("no_token", &json!(401)), ("insufficient_claims", &json!(403)), ("token_signature", &json!(401))]
    );
    for record in &records {
        assert_eq!(record["source"], "192.0.2.7");
        assert!(record["rule"] == "ask" || record["rule"] == "whoami");
    }
    assert_eq!(records[0].get("sub_digest"), None);
    assert!(records[2]["sub_digest"].is_string() && records[2]["kid_digest"].is_string());
}

#[test]
fn a_source_with_too_many_bad_tokens_waits_but_known_callers_behind_it_go_on() {
    let mut gate = gate_with(&json!({"throttle": {"badTokensPerMinute": "5"}}));
    let (files, good) = (Files::default(), with_token("/whoami", &good_token()));
    judge(&mut gate, &good, &files).unwrap();
    for _ in 0..5 {
        let (denial, _) = judge(&mut gate, &bad_token(), &files).unwrap_err();
        assert_eq!(denial, Denial::InvalidToken(InvalidToken::Signature));
    }
    let (denial, outcome) = judge(&mut gate, &bad_token(), &files).unwrap_err();
    let Outcome::Answer(answer) = outcome else { panic!() };
    assert!(matches!(denial, Denial::Throttled { .. }));
    let retry_after = answer.headers.iter().find(|(name, _)| *name == "Retry-After").unwrap();
    assert!((1..=120).contains(&retry_after.1.parse::<u64>().unwrap()), "{retry_after:?}");
    assert_eq!(answer.status, 429);
    judge(&mut gate, &good, &files).expect("a token that is known already needs no check");
    let other = token(&header(), &changed(claims(), &json!({"jti": "t2"})));
    let (denial, _) = judge(&mut gate, &with_token("/whoami", &other), &files).unwrap_err();
    assert!(matches!(denial, Denial::Throttled { .. }), "not even a good one is looked at");
    judge(&mut gate, &from("192.0.2.8:1", with_token("/whoami", &other)), &files).expect("elsewhere it is");
    judge(&mut gate, &request("GET", "/healthz", &[]), &files).expect("public paths need no token");
    let last: Value = serde_json::from_str(files.denials.borrow().last().unwrap()).unwrap();
    assert_eq!((&last["reason"], &last["status"]), (&json!("throttled"), &json!(429)));
}

#[test]
fn what_is_no_bad_token_is_not_counted() {
    let mut gate = gate_with(&json!({"throttle": {"badTokensPerMinute": 1}}));
    let files = Files::default();
    let expired = token(&header(), &changed(claims(), &json!({"exp": NOW - 60})));
    for raw in [
        request("GET", "/whoami", &[]),
        with_token("/v1/ask", &good_token()),
        with_token("/nowhere", "x"),
        with_token("/whoami", &expired),
    ] {
        for _ in 0..3 {
            judge(&mut gate, &raw, &files).unwrap_err();
        }
    }
    judge(&mut gate, &with_token("/whoami", &good_token()), &files).unwrap();
}

#[test]
fn a_client_behind_proxies_is_counted_for_itself() {
    let mut gate = gate_with(&json!({
        "throttle": {"badTokensPerMinute": 3},
        "clientAddress": {"depth": "1", "trustedProxies": "10.0.0.0/8"},
    }));
    let files = Files::default();
    let is_throttled = |gate: &mut Gate, raw| matches!(judge(gate, &raw, &files), Err((Denial::Throttled { .. }, _)));
    for number in 0..3 {
        assert!(!is_throttled(&mut gate, behind(&format!("6.6.6.{number}, 192.0.2.7"), bad_token())));
    }
    assert!(
        is_throttled(&mut gate, behind("9.9.9.9, 192.0.2.7", bad_token())),
        "whatever it writes before its address"
    );
    assert!(!is_throttled(&mut gate, behind("192.0.2.7, 192.0.2.8", bad_token())), "others are not");
    for _ in 0..3 {
        judge(&mut gate, &behind("nobody", bad_token()), &files).unwrap_err();
    }
    assert!(is_throttled(&mut gate, behind("", bad_token())), "without an address there is no way round");
    assert!(!is_throttled(&mut gate, from("10.0.0.9:1", with_token("/whoami", &good_token()))), "another proxy");
    assert!(gate.reads_header("x-forwarded-for"));
}

#[test]
fn rules_see_the_client_behind_a_proxy_or_nobody() {
    let mut gate = gate_with(&json!({
        "clientAddress": {"depth": 1, "trustedProxies": ["10.0.0.0/8"]},
        "rules": [{"name": "near", "match": "ClientIP(`192.0.2.7`)", "public": true}],
    }));
    let mut decide = |raw: &RawRequest| gate.decide(raw, moment(), &NoSharedFiles).map(drop);
    let request = || request("GET", "/", &[]);
    assert_eq!(decide(&behind("192.0.2.7", request())), Ok(()));
    assert_eq!(decide(&behind("192.0.2.7, 192.0.2.8", request())), Err(Denial::NoRule));
    let unknown = Err(Denial::MalformedRequest(MalformedRequest::UnknownSource));
    assert_eq!(decide(&behind("nobody", request())), unknown);
    assert_eq!(decide(&from("192.0.2.7:1", request())), Ok(()), "who comes directly is the peer");
}

fn behind(forwarded_for: &str, mut raw: RawRequest) -> RawRequest {
    raw.headers.push(("X-Forwarded-For".into(), vec![forwarded_for.into()]));
    from("10.0.0.1:4711", raw)
}
