use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::*;
use crate::testing::{self, Reply, Shared, TOKEN, answer, script, serve};

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn key(&self) -> PathBuf {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        std::fs::write(self.path("key.pem"), key.serialize_pem()).unwrap();
        self.path("key.pem")
    }

    fn settings(&self, address: &str) -> GatewaySettings {
        testing::settings(address, self.0.path())
    }
}

fn spooled(count: u64) -> Vec<Spooled> {
    let spooled = |sequence| Spooled {
        sequence,
        id: format!("spool-{sequence}"),
        device: "console-7".to_owned(),
        time: 1_795_773_600_250,
        data: format!("{{\"number\": {sequence}}}"),
    };
    (0..count).map(spooled).collect()
}

fn field<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let found =
        request.lines().filter_map(|line| line.split_once(": ")).find(|(found, _)| found.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

/// Posts to a gateway that gives these answers; says what came of it, and what the gateway was asked.
async fn posted(settings: GatewaySettings, events: &[Spooled], answers: Vec<String>) -> (Answer, Vec<String>) {
    let asked: Shared<String> = Shared::default();
    let (book, mut reply) = (Arc::clone(&asked), script(answers.into_iter().map(Reply::Answer).collect()));
    let address = serve(move |request| {
        book.lock().unwrap().push(request.to_owned());
        reply(request)
    })
    .await;
    let gateway = Gateway::connect(&GatewaySettings { address: address.parse().unwrap(), ..settings }).unwrap();
    let answer = gateway.post(events).await;
    let asked = asked.lock().unwrap().clone();
    (answer, asked)
}

#[tokio::test]
async fn events_are_posted_as_a_batch_in_the_name_of_whoever_the_token_names() {
    let files = Files::new();
    let receipts = answer("202 Accepted", "", r#"[{"id": "spool-0"}, {"id": "spool-1"}]"#);
    let (taken, asked) = posted(files.settings("http://gw"), &spooled(2), vec![receipts]).await;
    assert_eq!(taken, Answer::Done { refused: Vec::new() });
    let request = &asked[0];
    assert!(request.starts_with("POST /v1/events HTTP/1.1\r\n"), "{request}");
    assert_eq!(field(request, "content-type"), Some("application/cloudevents-batch+json"));
    assert_eq!(field(request, "authorization"), Some(&format!("Bearer {TOKEN}")[..]));
    assert_eq!(field(request, "dpop"), None);
    let events: serde_json::Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    let expected = serde_json::json!({
        "specversion": "1.0", "id": "spool-1", "source": "https://idp.example.com#console%207",
        "type": "dev.watchgate.telemetry.samples", "subject": "console-7", "time": "2026-11-27T10:00:00.25Z",
        "datacontenttype": "application/json", "data": {"number": 1},
    });
    assert_eq!((events.as_array().unwrap().len(), &events[1]), (2, &expected));
}

#[tokio::test]
async fn each_answer_means_what_becomes_of_the_events() {
    let dead = r#"[{"id": "spool-0"}, {"index": 1, "dead_letter": "d-9", "errors": [{"field": "data", "detail": "is none"}]}]"#;
    let none = |typed: &str, letters: &str| {
        let named = format!(r#""type": "urn:watchgate:problem:{typed}", "title": "None", "detail": "see""#);
        format!(r#"{{{named}, "dead_letters": [{letters}]}}"#)
    };
    let letter = |index: u8| format!(r#"{{"index": {index}, "dead_letter": "d-{index}", "errors": []}}"#);
    let both = format!("{}, {}", letter(0), letter(1));
    let refused = |index| (index, format!("dead letter d-{index}: "));
    let later = |seconds| Answer::Later { wait: seconds, reason: "Malformed: no array (503)".to_owned() };
    let some = r#"{"type": "about:blank", "title": "Malformed", "detail": "no array"}"#;
    let said = |status: u16, what: &str| Answer::Later { wait: None, reason: format!("{what} ({status})") };
    let said_nothing = || {
        let reason = "the gateway answers 202 Accepted, and not with a receipt for each event".to_owned();
        Answer::Later { wait: None, reason }
    };
    let plain = |status: &str| Answer::Later { wait: None, reason: format!("the gateway answers {status}") };
    for (status, headers, body, expected) in [
        ("202 Accepted", "", r#"[{"id": "spool-0"}, {"id": "spool-1"}]"#, Answer::Done { refused: Vec::new() }),
        ("202 Accepted", "", dead, Answer::Done { refused: vec![(1, "dead letter d-9: data: is none".to_owned())] }),
        // Whoever answers so is not the gateway.
        ("202 Accepted", "", "<html>", said_nothing()),
        ("202 Accepted", "", "[]", said_nothing()),
        ("202 Accepted", "", r#"[{"id": "spool-0"}]"#, said_nothing()),
        ("202 Accepted", "", r#"[{"id": "spool-0"}, {"index": 1}]"#, said_nothing()),
        ("200 OK", "", "<html>", plain("200 OK")),
        ("302 Found", "Location: /\r\n", "", plain("302 Found")),
        // The service itself, of each event.
        (
            "400 Bad Request",
            "",
            &none("batch-not-taken", &both),
            Answer::Done { refused: vec![refused(0), refused(1)] },
        ),
        // Not of each, or of something else: nothing is known of an event.
        ("400 Bad Request", "", &none("batch-not-taken", &letter(1)), said(400, "None: see")),
        ("400 Bad Request", "", &none("invalid-request", &both), said(400, "None: see")),
        // The gate, or a proxy.
        ("400 Bad Request", "", some, said(400, "Malformed: no array")),
        ("400 Bad Request", "", "<html>", plain("400 Bad Request")),
        ("415 Unsupported Media Type", "", "", plain("415 Unsupported Media Type")),
        ("422 Unprocessable Content", "", some, said(422, "Malformed: no array")),
        ("413 Content Too Large", "", "", Answer::Fewer { most: 1 }),
        // A token or a rule may be mended, and is no reason to lose what was measured.
        ("401 Unauthorized", "", "", plain("401 Unauthorized")),
        ("403 Forbidden", "", "", plain("403 Forbidden")),
        ("404 Not Found", "", "", plain("404 Not Found")),
        ("500 Internal Server Error", "", "", plain("500 Internal Server Error")),
        ("503 Service Unavailable", "Retry-After: 7\r\n", some, later(Some(Duration::from_secs(7)))),
        ("503 Service Unavailable", "Retry-After: 86400\r\n", some, later(Some(Duration::from_secs(300)))),
        ("503 Service Unavailable", "Retry-After: tomorrow\r\n", some, later(None)),
    ] {
        let files = Files::new();
        let (answer, _) = posted(files.settings("http://gw"), &spooled(2), vec![answer(status, headers, body)]).await;
        assert_eq!(answer, expected, "{status} {headers} {body}");
    }
}

#[tokio::test]
async fn an_event_that_is_too_large_by_itself_is_kept() {
    let files = Files::new();
    let too_large = vec![answer("413 Content Too Large", "", "")];
    let (answer, _) = posted(files.settings("http://gw"), &spooled(1), too_large).await;
    assert!(matches!(answer, Answer::Later { .. }), "{answer:?}");
}

#[tokio::test]
async fn nobody_there_is_a_reason_to_try_again() {
    let files = Files::new();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = files.settings(&format!("http://{}", silent.local_addr().unwrap()));
    drop(silent);
    let answer = Gateway::connect(&settings).unwrap().post(&spooled(1)).await;
    let reason = format!("{}v1/events does not answer: Connection refused (os error 111)", settings.address);
    assert_eq!(answer, Answer::Later { wait: None, reason });
}

#[tokio::test]
async fn a_bound_token_goes_with_a_proof_and_the_gates_nonce_is_in_the_next_one() {
    let files = Files::new();
    let settings = GatewaySettings { dpop_key: Some(files.key()), ..files.settings("http://gw") };
    let answers = vec![
        answer("401 Unauthorized", "DPoP-Nonce: n-1\r\n", ""),
        answer("202 Accepted", "", r#"[{"id": "spool-0"}]"#),
    ];
    let (answer, asked) = posted(settings, &spooled(1), answers).await;
    assert_eq!(answer, Answer::Done { refused: Vec::new() });
    let claims: Vec<serde_json::Value> = asked
        .iter()
        .map(|request| {
            assert_eq!(field(request, "authorization"), Some(&format!("DPoP {TOKEN}")[..]));
            let proof = field(request, "dpop").unwrap().split('.').nth(1).unwrap();
            serde_json::from_slice(&base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, proof).unwrap())
                .unwrap()
        })
        .collect();
    assert_eq!((&claims[0]["nonce"], &claims[1]["nonce"]), (&serde_json::Value::Null, &"n-1".into()));
    assert_ne!(claims[0]["jti"], claims[1]["jti"]);
    assert!(claims[0]["htu"].as_str().unwrap().ends_with("/v1/events"));
}

#[tokio::test]
async fn a_gate_that_goes_on_asking_for_a_nonce_is_asked_twice_and_no_more() {
    let files = Files::new();
    let settings = GatewaySettings { dpop_key: Some(files.key()), ..files.settings("http://gw") };
    let again = |nonce| answer("401 Unauthorized", &format!("DPoP-Nonce: {nonce}\r\n"), "");
    let (answer, asked) = posted(settings, &spooled(1), vec![again("n-1"), again("n-2")]).await;
    assert!(matches!(answer, Answer::Later { .. }), "{answer:?}");
    assert_eq!(asked.len(), 2);
}

#[test]
fn a_mistake_in_the_files_shows_at_the_start() {
    let files = Files::new();
    let good = files.settings("https://gw.example.com");
    assert!(Gateway::connect(&good).is_ok());
    let nothing = files.path("nothing");
    let key = GatewaySettings { dpop_key: Some(good.token_file.clone()), ..good.clone() };
    assert!(matches!(Gateway::connect(&key), Err(GatewayError::Key(_))));
    for settings in [
        GatewaySettings { token_file: nothing.clone(), ..good.clone() },
        GatewaySettings { ca: Some(nothing.clone()), ..good.clone() },
        GatewaySettings { dpop_key: Some(nothing), ..good.clone() },
    ] {
        assert!(matches!(Gateway::connect(&settings), Err(GatewayError::File(..))));
    }
    let opaque = |path: &Path| std::fs::write(path, "opaque").unwrap();
    opaque(&good.token_file);
    assert!(matches!(Gateway::connect(&good), Err(GatewayError::Token(..))));
    let named = GatewaySettings { source: Some("urn:console:7".to_owned()), ..good };
    assert!(Gateway::connect(&named).is_ok(), "whose an opaque token is can be said");
}
