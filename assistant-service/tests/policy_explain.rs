//! `watchgate policy explain`, as its caller sees it: the shipped configuration, keys and tokens that the program makes.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod program;

use std::fs;
use std::path::Path;

use program::{Ended, watchgate, watchgate_reading};
use serde_json::Value;
use tempfile::TempDir;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

const EVENTS: [&str; 4] = ["--method", "POST", "--url", "https://localhost/v1/events"];

fn shipped() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("traefik-config/dynamic/gate.yml").display().to_string()
}

/// A folder with everything that `watchgate keys dev` makes.
struct Trial {
    dir: TempDir,
}

impl Trial {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = watchgate(&["keys", "dev", "--dir", dir.path().to_str().unwrap()]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        Self { dir }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn token(&self, arguments: &[&str]) -> String {
        let issuer = self.path("issuer");
        let mut words = vec!["token", "mint", "--keys", &issuer, "--subject", "console-7"];
        words.extend(arguments);
        watchgate(&words).stdout.trim().to_owned()
    }

    fn explain(&self, token: &str, arguments: &[&str]) -> Ended {
        let (config, trust) = (shipped(), self.path("trust"));
        let mut words = vec!["policy", "explain", "--config", &config, "--trust", &trust, "--token", "-"];
        words.extend(arguments);
        watchgate_reading(&words, token)
    }
}

#[test]
fn a_permit_comes_with_its_rule_and_the_headers_that_would_change() {
    let trial = Trial::new();
    let token = trial.token(&["--scope", "events:write"]);
    let ended = trial.explain(&token, &EVENTS);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    for line in [
        "rule     health: does not match",
        "           yes  Method(`POST`)",
        "           yes  require Scope(`events:write`)",
        "  X-Auth-Subject: console-7",
        "  Txn-Token: (a token, not shown)",
        "  without Authorization",
    ] {
        assert!(ended.stdout.lines().any(|found| found == line), "{line} is not in\n{}", ended.stdout);
    }
    assert!(ended.stdout.contains("PASSES by rule "), "{}", ended.stdout);
}

#[test]
fn a_denial_comes_with_its_status_its_challenge_and_its_reason() {
    let trial = Trial::new();
    let reader = trial.token(&["--scope", "events:read"]);
    let ended = trial.explain(&reader, &EVENTS);
    assert_eq!(ended.code, 1);
    for part in [
        "no   require Scope(`events:write`)",
        "DENIED with 403: the claims do not satisfy rule",
        r#"WWW-Authenticate: Bearer realm="watchgate", error="insufficient_scope", scope="events:write""#,
    ] {
        assert!(ended.stdout.contains(part), "{part} is not in\n{}", ended.stdout);
    }
    let expired = trial.token(&["--scope", "events:write", "--ttl-seconds", "-200"]);
    let ended = trial.explain(&expired, &EVENTS);
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("DENIED with 401: expired"), "{}", ended.stdout);
    assert!(ended.stdout.contains("failed: times"), "{}", ended.stdout);
    assert!(ended.stdout.contains("not reached: binding, subject, key, signature"), "{}", ended.stdout);
    let at = OffsetDateTime::now_utc().saturating_sub(Duration::seconds(250)).format(&Rfc3339).unwrap();
    let before = trial.explain(&expired, &[&EVENTS[..], &["--at", &at]].concat());
    assert_eq!(before.code, 0, "{}", before.stdout);
    let long_before = trial.explain(&expired, &[&EVENTS[..], &["--at", "2020-01-01T00:00:00Z"]].concat());
    assert!(long_before.stdout.contains("DENIED with 401: not valid yet"), "{}", long_before.stdout);
}

#[test]
fn the_request_is_taken_as_it_would_arrive() {
    let trial = Trial::new();
    let token = trial.token(&[]);
    for (arguments, code, part) in [
        (&["--url", "https://localhost/healthz"][..], 0, "PASSES by rule health"),
        (&["--url", "https://localhost/healthz/../v1/ask"], 1, "DENIED with 400"),
        (&["--url", "https://evil.example.com/healthz"], 1, "DENIED with 403: the host is none of publicOrigins"),
        (&["--url", "https://localhost/nowhere"], 1, "DENIED with 403: no rule matches"),
        (
            &["--url", "https://localhost/healthz", "--header", "Upgrade: h2c"],
            1,
            "DENIED with 400: an upgrade to something other than a WebSocket",
        ),
        (
            &["--url", "https://localhost/v1/events", "--method", "POST", "--header", "authorization: Bearer x"],
            1,
            "DENIED with 400: a header that may stand only once is repeated",
        ),
    ] {
        let ended = trial.explain(&token, arguments);
        assert_eq!(ended.code, code, "{arguments:?}\n{}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains(part), "{part} is not in\n{}", ended.stdout);
    }
}

#[test]
fn keys_come_from_the_trust_directory_from_one_set_or_are_left_out() {
    let trial = Trial::new();
    let token = trial.token(&["--scope", "events:write"]);
    let forged = format!("{}.AAAA", token.rsplit_once('.').unwrap().0);
    let (config, jwks) = (shipped(), trial.path("trust/jwks/dev.json"));
    let explain = |token: &str, keys: &[&str]| {
        let words = [&["policy", "explain", "--config", &config, "--token", "-"][..], &EVENTS, keys].concat();
        watchgate_reading(&words, token)
    };
    assert_eq!(explain(&token, &["--jwks", &jwks]).code, 0);
    let refused = explain(&forged, &["--jwks", &jwks]);
    assert!(refused.stdout.contains("DENIED with 401: the signature does not hold"), "{}", refused.stdout);
    let assumed = explain(&forged, &["--assume-verified"]);
    assert_eq!(assumed.code, 0, "{}", assumed.stdout);
    assert!(assumed.stdout.contains("not checked, taken for good: key, signature"), "{}", assumed.stdout);
    let without = explain(&token, &[]);
    assert!(without.stdout.contains("DENIED with 503"), "{}", without.stdout);
    assert!(without.stdout.contains("give --trust, --jwks or --assume-verified"), "{}", without.stdout);
}

#[test]
fn tokens_and_secrets_are_never_printed() {
    let trial = Trial::new();
    let token = trial.token(&["--scope", "events:write"]);
    let gate_key: Value = serde_json::from_slice(&fs::read(trial.path("trust/gate.key")).unwrap()).unwrap();
    let secret = gate_key["keys"][0]["secret"].as_str().unwrap().to_owned();
    for arguments in [&EVENTS[..], &[&EVENTS[..], &["--json"]].concat(), &["--url", "https://localhost/v1/ask"]] {
        let ended = trial.explain(&token, arguments);
        let printed = format!("{}{}", ended.stdout, ended.stderr);
        assert!(!printed.is_empty());
        // Every token of the gate begins its parts with `{"`.
        for part in token.split('.').chain([secret.as_str(), "eyJ"]) {
            assert!(!printed.contains(part), "{printed}");
        }
    }
}

#[test]
fn a_report_for_programs_says_the_same() {
    let trial = Trial::new();
    let ended = trial.explain(&trial.token(&["--scope", "a"]), &[&EVENTS[..], &["--json"]].concat());
    assert_eq!(ended.code, 1);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["verdict"]["decision"], "denial");
    assert_eq!(report["verdict"]["status"], 403);
    assert_eq!(report["explanation"]["request"]["path"], "/v1/events");
    let rules = report["explanation"]["rules"].as_array().unwrap();
    let deciding = rules.iter().find(|rule| rule["matches"] == true).unwrap();
    assert_eq!(deciding["requirements"][0]["holds"], false);
    assert_eq!(report["explanation"]["token"]["checks"][0]["outcome"], "passed");
}

#[test]
fn a_gate_that_only_observes_still_says_what_it_would_deny() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("gate.yml");
    fs::write(&config, "{mode: observe, rules: [{name: a, match: 'Path(`/a`)', public: true}]}").unwrap();
    let config = config.to_str().unwrap();
    let ended = watchgate(&["policy", "explain", "--config", config, "--url", "https://a/b"]);
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("note     mode is observe"), "{}", ended.stdout);
    assert!(ended.stdout.contains("DENIED with 403: no rule matches"), "{}", ended.stdout);
}

#[test]
fn what_cannot_be_judged_is_told_from_a_denial() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let rule = "{rules: [{name: a, match: 'Path(`/`)', public: true}]}";
    let two = write(
        "two.yml",
        &format!(
            "http: {{middlewares: {{a: {{plugin: {{watchgate: {rule}}}}}, b: {{plugin: {{watchgate: {rule}}}}}}}}}"
        ),
    );
    let broken = write("broken.yml", "rulez: []");
    let alone = write("alone.yml", rule);
    let url = ["--url", "https://a/"];
    for (words, part) in [
        (vec!["--config", &two], "choose one of them with --middleware: a, b"),
        (vec!["--config", &two, "--middleware", "c"], "no middleware is called c; there are a, b"),
        (vec!["--config", &broken], "watchgate policy check"),
        (vec!["--config", "/no/such/file"], "cannot be read"),
        (vec!["--config", "-", "--token", "-"], "only one thing"),
        (vec!["--config", &alone, "--at", "noon"], "2027-01-15T08:00:00Z"),
        (vec!["--config", &alone, "--header", "x"], "Name: value"),
        (vec!["--config", &alone, "--jwks", "x", "--assume-verified"], "cannot be used with"),
    ] {
        let ended = watchgate(&[&["policy", "explain"], &url[..], &words].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{words:?}");
        assert!(ended.stderr.contains(part), "{part} is not in {}", ended.stderr);
    }
    let named = watchgate(&[&["policy", "explain", "--config", &two, "--middleware", "b"], &url[..]].concat());
    assert_eq!(named.code, 0, "{}{}", named.stdout, named.stderr);
}
