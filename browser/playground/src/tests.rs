//! The shipped rules, judged as the page has them judged.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

use super::*;

const NOW: f64 = 1_800_000_000.0;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn jwks() -> String {
    let x = BASE64_URL_SAFE_NO_PAD.encode(key().verifying_key().as_bytes());
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": x}]}).to_string()
}

fn token(scope: &str) -> String {
    let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k1"});
    let claims = json!({
        "iss": "https://issuer.watchgate.test", "aud": "watchgate", "sub": "console-7", "iat": 1_799_999_990, "exp": 1_800_000_300,
        "jti": "t-1", "client_id": "console", "scope": scope,
    });
    let [header, claims] = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key().sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}

fn asked(configuration: &str, token: &str, changes: Value) -> Value {
    let mut request = json!({
        "method": "POST", "url": "https://localhost/v1/events", "source": "192.0.2.7", "headers": "Content-Type: application/json\n",
    });
    for (name, value) in changes.as_object().cloned().unwrap_or_default() {
        request[name] = value;
    }
    serde_json::from_str(&judge(configuration, &request.to_string(), token, NOW, &[9; 32])).unwrap()
}

fn header<'j>(judgement: &'j Value, name: &str) -> &'j Value {
    let set = judgement["report"]["verdict"]["set"].as_array().unwrap();
    &set.iter().find(|header| header["name"].as_str().unwrap().eq_ignore_ascii_case(name)).unwrap()["value"]
}

#[test]
fn the_shipped_rules_let_a_device_write_its_events() {
    let judgement = asked(SHIPPED, &token("events:write"), json!({"keys": jwks()}));
    let verdict = &judgement["report"]["verdict"];
    assert_eq!((&verdict["decision"], &verdict["rule"]), (&json!("permit"), &json!("events-write")), "{judgement:#}");
    assert_eq!(header(&judgement, "ce-type"), "dev.watchgate.telemetry");
    assert_eq!(header(&judgement, "x-auth-subject"), "console-7");
    assert_eq!(header(&judgement, "txn-token"), &Value::Null, "a token is not shown");
    assert_eq!(judgement["claims"]["scope"], "events:write");
    assert_eq!(judgement["is_signature_assumed"], false);
    let rules = judgement["report"]["explanation"]["rules"].as_array().unwrap();
    let decides = rules.iter().position(|rule| rule["name"] == "events-write").unwrap();
    assert!(rules[..decides].iter().all(|rule| rule["matches"] == false), "{rules:#?}");
    assert!(rules[decides + 1..].iter().all(|rule| rule["matches"].is_null()), "{rules:#?}");
    assert_eq!(rules[decides]["requirements"][0]["holds"], true);
}

#[test]
fn without_keys_the_signature_is_taken_for_good_and_that_is_said() {
    let good = token("events:write");
    let forged = format!("{}.AAAA", good.rsplit_once('.').unwrap().0);
    let assumed = asked(SHIPPED, &forged, json!({}));
    assert_eq!(assumed["report"]["verdict"]["decision"], "permit");
    assert_eq!(assumed["is_signature_assumed"], true);
    assert!(assumed["notes"][0].as_str().unwrap().contains("jwks/dev.json"), "{}", assumed["notes"]);
    let checked = asked(SHIPPED, &forged, json!({"keys": jwks()}));
    assert_eq!(checked["report"]["verdict"]["status"], 401);
    assert_eq!((&checked["is_signature_assumed"], &checked["notes"]), (&json!(false), &json!([])));
    let public = asked(SHIPPED, "", json!({"method": "GET", "url": "https://localhost/healthz"}));
    assert_eq!(
        (&public["is_signature_assumed"], &public["notes"]),
        (&json!(false), &json!([])),
        "nobody asked for a token"
    );
    let formless = asked(SHIPPED, "abc", json!({"url": "https://localhost/v1/events"}));
    assert_eq!(formless["report"]["verdict"]["status"], 401);
    assert_eq!(
        (&formless["is_signature_assumed"], &formless["notes"]),
        (&json!(false), &json!([])),
        "it was refused before its signature had its turn"
    );
}

#[test]
fn what_is_missing_is_denied_as_the_gate_denies_it() {
    for (token, url, status) in [
        (token("events:read"), "https://localhost/v1/events", 403),
        (String::new(), "https://localhost/v1/events", 401),
        ("abc".to_owned(), "https://localhost/v1/events", 401),
        (token("events:write"), "https://localhost/nowhere", 403),
        (token("events:write"), "https://localhost/v1/../v1/events", 400),
    ] {
        let judgement = asked(SHIPPED, &token, json!({"url": url, "keys": jwks()}));
        assert_eq!(judgement["report"]["verdict"]["status"], status, "{url} {judgement:#}");
    }
}

#[test]
fn every_mistake_has_its_line() {
    let line = SHIPPED.lines().position(|line| line.contains("Scope(`events:write`)")).unwrap();
    let mistaken = SHIPPED
        .replace("Scope(`events:write`)", "Scopes(`events:write`)")
        .replace("leewaySeconds: 30", "leewaySeconds: x");
    let judgement = asked(&mistaken, "", json!({}));
    let mistakes = judgement["mistakes"].as_array().unwrap();
    assert_eq!(mistakes.len(), 2, "{judgement:#}");
    assert!(
        mistakes
            .iter()
            .any(|mistake| mistake["line"] == line + 1 && mistake["place"].as_str().unwrap().ends_with("].require")),
        "{judgement:#}"
    );
    assert_eq!(judgement.get("report"), None);
}

#[test]
fn where_no_gateway_would_have_a_gate_there_is_nothing_to_judge() {
    let two = "http: {middlewares: {one: {plugin: {a: {}}}, two: {plugin: {b: {}}}}}";
    let templated = SHIPPED.replace("leewaySeconds: 30", "leewaySeconds: \"{{ env `LEEWAY` }}\"");
    for (text, says) in [
        ("http: [", "line "),
        ("http:\n  middlewares: {{ .all }}\n", "templates ({{ … }}) are not filled in here"),
        (templated.as_str(), "templates ({{ … }}) are not filled in here"),
        (two, "no middleware uses a plugin called watchgate (one uses a, two uses b)"),
        ("http: {}", "no middleware uses a plugin called watchgate"),
    ] {
        let judgement = asked(text, "", json!({}));
        assert_eq!(judgement["mistakes"], json!([]), "{text}: no gate answers with 503 by this");
        assert_eq!(
            (judgement["errors"].as_array().unwrap().len(), &judgement["errors"][0]["field"]),
            (1, &json!("rules"))
        );
        assert!(judgement["errors"][0]["what"].as_str().unwrap().contains(says), "{text}: {judgement:#}");
        assert_eq!(judgement.get("report"), None);
    }
    let commented =
        asked(&format!("# {{{{ env `ZONE` }}}}\n{SHIPPED}"), &token("events:write"), json!({"keys": jwks()}));
    assert_eq!(commented["report"]["verdict"]["decision"], "permit", "{commented:#}");
    assert_eq!(commented["notes"], json!(["templates ({{ … }}) are not filled in here"]));
}

#[test]
fn a_gate_whose_plugin_has_another_name_is_judged_and_that_is_said() {
    let renamed = SHIPPED.replace("        watchgate:\n", "        gatekeeper:\n");
    assert_ne!(renamed, SHIPPED);
    let judgement = asked(&renamed, &token("events:write"), json!({"keys": jwks()}));
    assert_eq!(judgement["report"]["verdict"]["decision"], "permit", "{judgement:#}");
    assert!(judgement["notes"][0].as_str().unwrap().contains("gatekeeper"), "{}", judgement["notes"]);
    let mistaken = asked(&renamed.replace("leewaySeconds: 30", "leewaySeconds: x"), "", json!({}));
    assert_eq!(mistaken["mistakes"].as_array().unwrap().len(), 1, "{mistaken:#}");
}

#[test]
fn what_is_written_wrong_is_named_by_its_field() {
    for (changes, fields) in [
        (json!({"url": "/v1/events", "headers": "a b\nX-A: 1\n\nc"}), vec!["headers", "headers", "url"]),
        (json!({"keys": "{}"}), vec!["keys"]),
        (json!({"colour": "red"}), vec!["request"]),
    ] {
        let judgement = asked(SHIPPED, "", changes);
        let found: Vec<_> =
            judgement["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
        assert_eq!(found, fields, "{judgement:#}");
    }
    let request = json!({"method": "GET", "url": "https://localhost/", "source": "", "headers": ""}).to_string();
    for (now, secret) in [(f64::NAN, 32), (-1.0, 32), (1e300, 32), (NOW, 31)] {
        let judgement: Value = serde_json::from_str(&judge(SHIPPED, &request, "", now, &vec![0; secret])).unwrap();
        assert_eq!(judgement["errors"].as_array().unwrap().len(), 1, "{now}");
    }
}

#[test]
fn of_several_gates_the_first_is_judged_unless_another_is_named() {
    let rule = "{rules: [{name: NAME, match: PathPrefix(`/`), public: true}]}";
    let gates: String = ["one", "two"]
        .map(|name| format!("    {name}: {{plugin: {{watchgate: {}}}}}\n", rule.replace("NAME", name)))
        .concat();
    let text = format!("http:\n  middlewares:\n{gates}");
    for (middleware, rule) in [(json!(null), "one"), (json!("two"), "two"), (json!("gone"), "one")] {
        let judgement = asked(&text, "", json!({"middleware": middleware}));
        assert_eq!(judgement["gates"], json!(["one", "two"]));
        assert_eq!(judgement["report"]["verdict"]["rule"], rule, "{judgement:#}");
    }
}
