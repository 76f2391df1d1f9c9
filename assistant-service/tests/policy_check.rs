//! `watchgate policy check`, as its caller sees it: the built program, files, exit codes.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod program;

use std::fs;
use std::path::Path;

use program::{Ended, watchgate, watchgate_reading};
use serde_json::{Value, json};

fn shipped(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("traefik-config/dynamic").join(name).display().to_string()
}

fn trust(dir: &Path) -> String {
    let made = watchgate(&["keys", "dev", "--dir", dir.to_str().unwrap()]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    dir.join("trust").display().to_string()
}

fn check(text: &str, arguments: &[&str]) -> Ended {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("gate.yml");
    fs::write(&file, text).unwrap();
    let mut words = vec!["policy", "check", file.to_str().unwrap()];
    words.extend(arguments);
    let mut ended = watchgate(&words);
    ended.stdout = ended.stdout.replace(dir.path().to_str().unwrap(), "");
    ended
}

const TWO_GATES: &str = r"
http:
  routers:
    all: {rule: PathPrefix(`/`), service: echo, middlewares: [inner]}
  middlewares:
    blank:
      headers: {customRequestHeaders: {X: ''}}
    inner:
      plugin:
        watchgate:
          issuers:
            - issuer: https://idp.example.com
              audience: watchgate
              jwksFile: jwks/idp.json
          rules:
            - name: all
              match: Path(`/a`) and Methd(`GET`)
              require: Path(`/a`)
    outer:
      plugin:
        watchgate:
          rules:
            - {name: all, match: PathPrefix(`/`), public: true}
";

#[test]
fn the_shipped_configuration_is_good_with_the_keys_that_the_program_makes() {
    let dir = tempfile::tempdir().unwrap();
    let ended = watchgate(&["policy", "check", &shipped("gate.yml"), "--trust", &trust(dir.path())]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("middleware gate: no mistakes"), "{}", ended.stdout);
    assert!(ended.stdout.contains("trust/gate.key: good"), "{}", ended.stdout);
}

#[test]
fn every_mistake_of_every_gate_is_named_with_file_line_middleware_and_place() {
    let ended = check(TWO_GATES, &[]);
    assert_eq!(ended.code, 1);
    assert_eq!(
        ended.stdout.lines().collect::<Vec<_>>(),
        [
            "/gate.yml:13: middleware inner: issuers[0].audience: no such key; did you mean audiences?",
            "/gate.yml:12: middleware inner: issuers[0].audiences: at least one audience is needed",
            "/gate.yml:17: middleware inner: rules[0].match: column 12: && or || was expected here, found \"and\"; did you \
             mean &&?",
            "/gate.yml:17: middleware inner: rules[0].match: column 16: no condition on requests is called Methd; did \
             you mean Method?",
            "/gate.yml:18: middleware inner: rules[0].require: column 1: Path is a condition on requests: it belongs \
             under match",
            "/gate.yml: middleware inner: 5 mistakes: the gate will answer every request with 503",
            "/gate.yml: middleware outer: no mistakes; not looked at without --trust: gate.key",
        ]
    );
}

#[test]
fn a_report_for_programs_says_the_same() {
    let ended = check(TWO_GATES, &["--json"]);
    assert_eq!(ended.code, 1);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["valid"], false);
    assert_eq!(report["middlewares"][0]["name"], "inner");
    let first = json!({"line": 13, "place": "issuers[0].audience", "what": "no such key; did you mean audiences?"});
    assert_eq!(report["middlewares"][0]["mistakes"][0], first);
    assert_eq!(report["middlewares"][1]["mistakes"], json!([]));
}

#[test]
fn the_plugins_configuration_alone_is_read_from_a_file_and_from_the_standard_input() {
    let alone = json!({"rules": [{"name": "all", "match": "PathPrefix(`/`)", "public": "true"}]}).to_string();
    let good = "no mistakes; not looked at without --trust: gate.key\n";
    assert_eq!(check(&alone, &[]).stdout, format!("/gate.yml: {good}"));
    let ended = watchgate_reading(&["policy", "check", "-"], &alone);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, format!("-: {good}").as_str()));
    let ended = watchgate_reading(&["policy", "check", "-"], "rulez: []\n");
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.starts_with("-:1: rulez: no such key; did you mean rules?"), "{}", ended.stdout);
}

#[test]
fn key_files_are_looked_at_where_the_trust_directory_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let trust = trust(dir.path());
    let check = || watchgate(&["policy", "check", &shipped("gate.yml"), "--trust", &trust]);
    for (file, content, expected) in [
        ("jwks/dev.json", Some("{}"), "not a JWK Set"),
        (
            "jwks/dev.json",
            Some(r#"{"keys": [{"kty": "oct", "k": "AAAA"}]}"#),
            "no key in the JWK Set can verify a token",
        ),
        ("jwks/dev.json", None, "missing or unreadable"),
        ("gate.key", Some("{}"), "gate.key: "),
        ("gate.key", None, "missing or unreadable"),
    ] {
        let path = Path::new(&trust).join(file);
        let before = fs::read(&path).unwrap();
        match content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let ended = check();
        assert_eq!(ended.code, 1, "{file}: {}", ended.stdout);
        let line = ended.stdout.lines().find(|line| line.contains(file)).unwrap();
        assert!(line.contains(expected) && !line.ends_with("good"), "{line}");
        let is_passed_over = ended.stdout.contains("jwks/dev.json: passed over key 1: a shared secret");
        assert_eq!(is_passed_over, content.is_some_and(|content| content.contains("oct")), "{}", ended.stdout);
        fs::write(&path, before).unwrap();
    }
    assert_eq!(check().code, 0);
}

#[test]
fn a_gate_that_signs_nothing_may_go_without_its_own_keys() {
    let dir = tempfile::tempdir().unwrap();
    let alone = json!({"rules": [{"name": "all", "match": "PathPrefix(`/`)", "public": "true"}]}).to_string();
    let ended = check(&alone, &["--trust", dir.path().to_str().unwrap()]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert!(ended.stdout.contains("gate.key: not there: each instance"), "{}", ended.stdout);
}

#[test]
fn a_file_without_a_gate_is_a_mistake_and_an_unreadable_one_is_no_verdict() {
    let ended = check("http: {middlewares: {a: {plugin: {watchgte: {}}}}}", &[]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stdout.contains("no middleware uses a plugin called watchgate (a uses watchgte)"),
        "{}",
        ended.stdout
    );
    let ended = check("http: {middlewares: {a: {plugin: {watchgte: {}}}}}", &["--plugin", "watchgte"]);
    assert!(ended.stdout.contains("middleware a: rules: at least one rule is needed"), "{}", ended.stdout);
    let ended = check("a: [\n", &[]);
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("neither YAML nor JSON"), "{}", ended.stdout);
    let ended = check("a: {{ env \"X\" }}\n", &[]);
    assert!(ended.stdout.contains("templates"), "{}", ended.stdout);
    for words in [&["policy", "check", "/no/such/file"][..], &["policy", "check"], &["policy", "chek", "x"]] {
        let ended = watchgate(words);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{words:?}");
        assert!(!ended.stderr.is_empty());
    }
}
