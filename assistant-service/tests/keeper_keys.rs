//! `watchgate keeper` and the issuers' keys: the built program, a real provider, files.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where it cannot go on")]

mod keeper_stage;
mod provider;

use std::fs;
use std::time::Duration;

use keeper_stage::{Stage, issuer_lines, key_set, kid_of, until, when};
use provider::{Answer, Provider, http};
use trust_core::trust_head::wanted_file;

fn keeper_of(provider: &Provider, names: &[&str]) -> Stage {
    let stage = Stage::new("");
    let ca = stage.path("ca.pem");
    fs::write(&ca, &provider.ca_pem).unwrap();
    let lines: String = names.iter().map(|name| issuer_lines(provider, &ca, name)).collect();
    stage.configure(&format!("issuers:\n{lines}"));
    stage
}

fn good(kid: &'static str) -> impl Fn(&str, &str) -> Answer + Send + Sync {
    move |_, _| http("200 OK", &[], &key_set(kid, 0))
}

fn fetched(stage: &Stage, name: &str) -> u64 {
    let file = format!("jwks/{name}.json");
    until("the first keys", || stage.head()?.key_sets.get(&file).copied().filter(|began| *began > 0)).0
}

#[test]
fn a_wish_brings_the_new_keys_and_a_newer_head_within_two_seconds() {
    let provider = Provider::https(good("one"));
    let mut stage = keeper_of(&provider, &["a"]);
    stage.start();
    let first = fetched(&stage, "a");
    assert_eq!(kid_of(&stage.file("jwks/a.json").unwrap()), "one");
    provider.answer(good("two"));
    stage.wish("urn:a");
    let took = when("the new keys", || stage.head().is_some_and(|head| head.key_sets["jwks/a.json"] > first));
    // The head names the fetch only when its keys are there.
    assert_eq!(kid_of(&stage.file("jwks/a.json").unwrap()), "two");
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(!stage.path("gate").join(wanted_file("urn:a")).exists());
}

#[test]
fn five_thousand_wishes_make_at_most_three_requests() {
    let provider = Provider::https(good("one"));
    let mut stage = keeper_of(&provider, &["a"]);
    stage.start();
    fetched(&stage, "a");
    for number in 0..5000 {
        stage.wish("urn:a");
        // What else is planted is nobody's wish.
        fs::write(stage.path(&format!("gate/wanted-{number:016x}")), "").unwrap();
        if number % 100 == 0 {
            // As a gate does: not all within one look of the keeper.
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    when("the last wish", || !stage.path("gate").join(wanted_file("urn:a")).exists());
    let seen = provider.seen().len();
    assert!((2..=3).contains(&seen), "{seen} requests");
}

#[test]
fn what_a_provider_answers_in_its_bad_hours_changes_nothing() {
    let names = ["down", "garbage", "none", "large", "elsewhere", "error", "torn", "oct"];
    let provider = Provider::https(good("one"));
    let mut stage = keeper_of(&provider, &names);
    stage.start();
    let began: Vec<_> = names.iter().map(|name| fetched(&stage, name)).collect();
    provider.answer(|path, _| match path {
        "/down" => Answer::Bytes(Vec::new()),
        "/garbage" => http("200 OK", &[], b"\xff\xfe<html>"),
        "/none" => http("200 OK", &[], b"{\"keys\":[]}"),
        "/large" => http("200 OK", &[], &key_set("large", 5 * 1024 * 1024)),
        "/elsewhere" => http("302 Found", &["Location: /good"], b""),
        "/error" => http("500 Internal Server Error", &[], &key_set("error", 0)),
        "/torn" => Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{\"keys\":[".to_vec()),
        "/oct" => http("200 OK", &[], br#"{"keys":[{"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U"}]}"#),
        _ => http("200 OK", &[], &key_set("elsewhere", 0)),
    });
    for name in names {
        stage.wish(&format!("urn:{name}"));
    }
    when("all requests", || {
        names.iter().all(|name| {
            let line = format!("GET /{name} HTTP/1.1");
            provider.seen().iter().filter(|seen| **seen == line).count() >= 2
        })
    });
    let sequence = stage.head().unwrap().sequence;
    when("heads go on", || stage.head().is_some_and(|head| head.sequence > sequence + 1));
    let head = stage.head().unwrap();
    for (name, began) in names.iter().zip(began) {
        let file = format!("jwks/{name}.json");
        assert_eq!((kid_of(&stage.file(&file).unwrap()).as_str(), head.key_sets[&file]), ("one", began), "{name}");
    }
}

#[test]
fn a_provider_that_never_answers_holds_nobody_else_up() {
    let provider = Provider::https(|path, _| match path {
        "/slow" => Answer::Silence(b"HTTP/1.1 200 OK\r\n".to_vec()),
        _ => http("200 OK", &[], &key_set("one", 0)),
    });
    let mut stage = keeper_of(&provider, &["slow", "a"]);
    stage.start();
    fetched(&stage, "a");
    let head = stage.head().unwrap();
    assert_eq!(head.key_sets["jwks/slow.json"], 0);
    assert!(stage.file("jwks/slow.json").is_none());
}

#[test]
fn keys_that_have_grown_too_old_are_removed_and_nothing_says_that_they_were_fetched() {
    let provider = Provider::https(good("one"));
    let mut stage = keeper_of(&provider, &["a"]);
    stage.start();
    fetched(&stage, "a");
    stage.kill();
    provider.answer(|_, _| Answer::Bytes(Vec::new()));
    let path = stage.path("trust/.keeper/state.json");
    let mut state: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    // A day and a second, as far as is known.
    state["key_sets"]["jwks/a.json"]["age_ms"] = (24 * 60 * 60 * 1000 + 1000).into();
    fs::write(&path, state.to_string()).unwrap();
    stage.start();
    when("the keys are gone", || stage.file("jwks/a.json").is_none());
    when("the head says so", || stage.head().is_some_and(|head| head.key_sets["jwks/a.json"] == 0));
    // The provider is back: so are its keys, with the first wish or the next try.
    provider.answer(good("two"));
    when("new keys", || stage.file("jwks/a.json").is_some_and(|jwks| kid_of(&jwks) == "two"));
}

#[test]
fn a_provider_that_is_away_when_the_keeper_is_started_again_leaves_the_keys_and_their_age() {
    let provider = Provider::https(good("one"));
    let mut stage = keeper_of(&provider, &["a"]);
    stage.start();
    let began = fetched(&stage, "a");
    stage.kill();
    let sequence = stage.head().unwrap().sequence;
    provider.answer(|_, _| http("503 Service Unavailable", &[], b""));
    stage.start();
    when("a new head", || stage.head().is_some_and(|head| head.sequence > sequence));
    assert_eq!(stage.head().unwrap().key_sets["jwks/a.json"], began);
    assert_eq!(kid_of(&stage.file("jwks/a.json").unwrap()), "one");
}
