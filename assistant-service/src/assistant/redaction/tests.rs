//! What leaves for a model, and what stays.

use serde_json::json;

use super::*;

fn redacted(text: &str) -> String {
    Redactor::default().text(text).to_string()
}

/// Made of parts, so that no scanner of sources takes it for a real one.
fn made(parts: &[&str]) -> String {
    parts.concat()
}

#[test]
fn every_pattern_compiles() {
    assert!(patterns::all_compile());
}

#[test]
fn secrets_are_taken_out_wherever_they_stand() {
    let random = "q8Xv2Lw9Rt4Kp7Zs1Nd5Bh3Mf6Gj0Yc";
    let secrets = [
        made(&["eyJ", "hbGciOiJFZERTQSJ9", ".eyJzdWIiOiJhZGEifQ.", random]),
        made(&["AKIA", "IOSFODNN7EXAMPLE"]),
        made(&["gh", "p_", random]),
        made(&["github", "_pat_", random]),
        made(&["xox", "b-1234567890-", random]),
        made(&["sk-", "proj-", random]),
        made(&["sk-", "ant-", random]),
        made(&["AIza", random, "abc"]),
        made(&["npm", "_", random]),
    ];
    for secret in &secrets {
        for text in
            [format!("use {secret} here"), format!("`{secret}`,"), format!("a=\"{secret}\""), format!("({secret})")]
        {
            let left = redacted(&text);
            assert!(!left.contains(secret.as_str()) && left.contains("[redacted:"), "{text} became {left}");
        }
    }
    let key = made(&["-----BEGIN RSA ", "PRIVATE KEY-----\nMIIE", random, "\n-----END RSA PRIVATE", " KEY-----"]);
    assert_eq!(redacted(&format!("a {key} b")), "a [redacted:private-key] b");
    assert_eq!(redacted(key.split("-----END").next().unwrap()), "[redacted:private-key]", "one that is cut off");
}

#[test]
fn values_behind_names_are_taken_out_and_sentences_stay() {
    for (text, left) in [
        ("password=hunter2", "password=[redacted:secret]"),
        ("DB_PASSWORD: hunter2", "DB_PASSWORD: [redacted:secret]"),
        ("The password is hunter2.", "The password is [redacted:secret]"),
        ("\"password\": \"correct horse battery\"", "\"password\": \"[redacted:secret]\""),
        ("postgres://app:s3cr3t@db:5432/x", "postgres://app:[redacted:credentials]@db:5432/x"),
        ("Authorization: Basic YWRhOnNlY3JldA==", "Authorization: Basic [redacted:authorization]"),
        ("curl -H 'Authorization: Bearer abc123def456ghi'", "curl -H 'Authorization: Bearer [redacted:authorization]'"),
        ("api_key = q8Xv2Lw9Rt4Kp7Zs", "api_key = [redacted:secret]"),
        ("export API_TOKEN=$TOKEN", "export API_TOKEN=$TOKEN"),
        ("password: <your password>", "password: <your password>"),
        ("A token lives for five minutes.", "A token lives for five minutes."),
        ("The secret is never logged.", "The secret is never logged."),
        ("Bearer authentication is used.", "Bearer authentication is used."),
        ("the signing key: see key-rotation.md", "the signing key: see key-rotation.md"),
        ("https://docs.example.com/a:b@c", "https://docs.example.com/a:b@c"),
        ("token bucket: 100 requests", "token bucket: 100 requests"),
        ("pass\u{200b}word=hunter2", "password=[redacted:secret]"),
    ] {
        assert_eq!(redacted(text), left);
    }
}

#[test]
fn text_is_cut_after_what_is_taken_out() {
    let text = format!("password=hunter2 {}", "a".repeat(100));
    assert_eq!(Redactor::default().text(&text).within(30).to_string(), "password=[redacted:secret] aaa […]");
}

/// The parts of an event as it is told, together again.
fn parsed(told: &str) -> Value {
    let parts = told.lines().map(|part| serde_json::from_str::<Map<String, Value>>(part).unwrap());
    Value::Object(parts.flatten().collect())
}

fn redactor(section: serde_json::Value) -> Redactor {
    let file = json!({"redaction": section});
    let mut mistakes = Vec::new();
    let redactor = Redactor::read(&Section::root(&file).at("redaction"), &mut mistakes);
    assert_eq!(mistakes, []);
    redactor
}

#[test]
fn data_of_a_classified_event_is_withheld_and_its_subject_when_told_so() {
    let event = |label: &str| {
        json!({"id": "1", "source": "s", "type": "t", "subject": "ada", "dataclassification": label, "data": {"a": "b"}}).to_string()
    };
    let told = |redactor: &Redactor, label: &str| parsed(redactor.event(&event(label)).as_str());
    for label in ["confidential", "Restricted", " secret ", "SENSITIVE"] {
        let left = told(&Redactor::default(), label);
        assert_eq!((&left["data"], &left["subject"]), (&json!(WITHHELD), &json!("ada")), "{label}");
    }
    assert_eq!(told(&Redactor::default(), "internal")["data"], json!({"a": "b"}));
    let strict = redactor(json!({"dataClassifications": ["internal"], "withholdSubjects": true}));
    let left = told(&strict, "Internal");
    assert_eq!((&left["data"], &left["subject"]), (&json!(WITHHELD), &json!(WITHHELD)));
    assert_eq!(told(&strict, "public")["data"], json!({"a": "b"}));
    let binary = r#"{"id":"1","source":"s","type":"t","dataclassification":"secret","data_base64":"AAAA"}"#;
    assert!(!strict_default(binary).contains("AAAA"));
    assert_eq!(Redactor::default().event("no json").as_str(), WITHHELD);
    assert!(strict.withholds_subject(&event("internal")) && !strict.withholds_subject(&event("public")));
}

fn strict_default(json: &str) -> String {
    Redactor::default().event(json).to_string()
}

#[test]
fn members_are_withheld_by_name_and_secrets_by_theirs() {
    let redactor = redactor(json!({"members": ["playerEmail"]}));
    let event = json!({"id": "1", "source": "s", "type": "t", "data": {
        "deep": [{"PLAYEREMAIL": {"x": 1}, "ok": 5}], "clientSecret": "q8Xv2Lw9Rt4K", "pwd": 12345,
        "log": "retry with password=hunter2 now", "json": "{\"password\":\"hunter2\"}", "count": 7
    }});
    let left = parsed(redactor.event(&event.to_string()).as_str());
    assert_eq!(left["data"]["deep"][0], json!({"PLAYEREMAIL": MEMBER, "ok": 5}));
    assert_eq!(left["data"]["clientSecret"], json!(values::REDACTED));
    assert_eq!(left["data"]["pwd"], json!(values::REDACTED));
    assert_eq!(left["data"]["log"], json!("retry with password=[redacted:secret] now"));
    assert!(!left.to_string().contains("hunter2"), "{left}");
    assert_eq!(left["data"]["count"], json!(7));
}

#[test]
fn json_stays_json_and_is_looked_at_by_its_names() {
    let left = redactor(json!({"members": ["iban"]})).json(json!({
        "password": 12345, "pass": "hunter2", "apiKey": "abcdefg1", "IBAN": ["DE89"], "page_token": 12345678,
        "header": "Cookie: a=b", "note": "as it was, \"quoted\"\n",
    }));
    assert_eq!(
        left,
        json!({
            "password": values::REDACTED, "pass": values::REDACTED, "apiKey": values::REDACTED, "IBAN": MEMBER,
            "page_token": 12345678, "header": "Cookie: [redacted:cookie]", "note": "as it was, \"quoted\"\n",
        })
    );
}

#[test]
fn data_of_a_large_event_is_not_looked_through_and_does_not_leave() {
    for member in ["data", "data_base64"] {
        let event = json!({"id": "1", "source": "s", "type": "t", member: "harmless ".repeat(8 * 1024)});
        let left = parsed(Redactor::default().event(&event.to_string()).as_str());
        assert_eq!(left, json!({"id": "1", "source": "s", "type": "t", member: LARGE}));
    }
}

#[test]
fn a_secret_behind_a_letter_that_is_not_ascii_is_found() {
    assert_eq!(redacted(&made(&["clé", "AKIA", "IOSFODNN7EXAMPLE"])), "clé[redacted:aws-key]");
}

#[test]
fn mistakes_in_the_section_are_named() {
    let mut mistakes = Vec::new();
    let file = json!({"redaction": {"dataClassification": [], "members": [7], "withholdSubjects": "yes"}});
    Redactor::read(&Section::root(&file).at("redaction"), &mut mistakes);
    let places: Vec<_> = mistakes.iter().map(|mistake| mistake.place.as_str()).collect();
    assert_eq!(places, ["redaction.dataClassification", "redaction.members[0]", "redaction.withholdSubjects"]);
}

#[test]
fn what_looks_like_a_secret_is_found() {
    for secret in [
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
        "-----BEGIN PRIVATE KEY-----",
        "id AKIAIOSFODNN7EXAMPLE of the bucket",
        "ghp_0123456789abcdefghijABCDEFGHIJ0123",
        "token xoxb-123456789012-abcdefghij",
        "use sk-proj-abcdefghij0123456789XYZ",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "postgres://app:hunter22@db.internal/app",
        "Authorization: Bearer abcdefghijklmnop01234567",
        "password = \"Tr0ub4dor&3\"",
        "DB_PASSWORD: s3cr3t-value",
        "api_key=ab12cd34ef56",
        "\"clientSecret\": \"q8Wv2n0pLk\"",
    ] {
        assert!(holds_secret(secret), "{secret}");
    }
}

#[test]
fn what_speaks_of_secrets_holds_none() {
    for text in [
        "The password is in the vault under `svc/mailer`.",
        "password: <your password>",
        "api_key = ${API_KEY}",
        "secret: vault:svc/mailer",
        "Secrets never come through environment variables.",
        "let api_key = settings.read(\"apiKey1\");",
        "See https://example.com:8443/path@v2 for more.",
        "Basic questions are answered in the guide.",
    ] {
        assert!(!holds_secret(text), "{text}");
    }
}
