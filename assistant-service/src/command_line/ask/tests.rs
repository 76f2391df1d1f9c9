//! The gateway is a socket that says what the test wants, byte by byte.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::command_line::gateway::GatewayArguments;

/// Asks a gateway that answers with these bytes and then closes; gives what was written, and how it ended.
async fn asked(form: Form, answer: &[u8]) -> (String, anyhow::Result<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = format!("http://{}", listener.local_addr().unwrap());
    let answer = answer.to_vec();
    let served = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\"How?\"}") {
            request.push(connection.read_u8().await.unwrap());
        }
        connection.write_all(&answer).await.unwrap();
        String::from_utf8(request).unwrap()
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a-token").unwrap();
    let gateway = GatewayArguments::of(&gateway, file.path());
    let arguments = Arguments { gateway, json: form == Form::Json, question: "How?".to_owned() };
    let mut output = Vec::new();
    let ended = ask(&arguments, form, &mut output).await;
    let request = served.await.unwrap();
    assert!(request.starts_with("POST /v1/ask ") && request.contains("authorization: Bearer a-token"), "{request}");
    assert!(request.contains("accept: text/event-stream"), "{request}");
    (String::from_utf8(output).unwrap(), ended)
}

fn stream(events: &[(&str, Value)]) -> Vec<u8> {
    let events: String = events.iter().map(|(name, data)| format!("event: {name}\ndata: {data}\n\n")).collect();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    format!("{head}: a sign of life\n\n{events}").into_bytes()
}

fn answer() -> Value {
    json!({
        "id": "0", "known": true, "confidence": "high", "short": "Restart it.", "answer": "Restart it [1].\n\nThen look [2].",
        "citations": [
            {"file": "a.md", "heading": "A > B", "quote": "Restart", "score": 1.0},
            {"file": "b.rs", "heading": "b.rs > f", "lines": [13, 14], "quote": "fn", "score": 0.5},
        ],
        "recommendation": {"snippet": "fn f() {\n    g();\u{1b}[2J\n}", "language": "rust", "file": "b.rs",
            "lines": [13, 15], "change": "Call `h`."},
        "events": [{"id": "7", "source": "urn:mailer", "type": "com.example.failed", "quote": "failed"}],
        "proposals": [{"runbook": "restart", "title": "Restart a worker", "parameters": {"worker": "mailer"}, "why": "so"}],
        "whom_to_ask": [{"owner": "ana", "file": "a.md"}],
        "searched": {"documents": 2, "sections": 3, "queries": ["How?"]},
        "made_by": {"kind": "model", "model": "large"},
        "removed": [{"what": "link", "why": "its host is not allowed"}],
        "something_newer": 1,
    })
}

fn end(complete: bool) -> (&'static str, Value) {
    ("end", json!({"complete": complete}))
}

const BELOW: &str = "
Code from b.rs:13-15:

  fn f() {
      g();\u{fffd}[2J
  }

What to change:
  Call `h`.

Sources:
  [1] a.md > A > B
  [2] b.rs:13-14

Events:
  [e1] com.example.failed of urn:mailer, 7

Runbooks that may help; nothing has been started:
  restart worker=\"mailer\" (Restart a worker)

Whom to ask:
  ana, who owns a.md

Taken out, because it did not hold:
  link: its host is not allowed

Confidence: high, written by large and checked
";

#[tokio::test]
async fn words_come_as_they_are_said_and_what_they_stand_on_comes_below() {
    let words = |text: &str| ("words", json!({"text": text}));
    let searched = ("searched", json!({"query": "How?", "sections": 2}));
    let whole = [searched, words("Restart it [1].\n"), words("\nThen look [2]."), ("answer", answer()), end(true)];
    let (said, known) = asked(Form::AsItComes, &stream(&whole)).await;
    assert_eq!(said, format!("Restart it [1].\n\nThen look [2].\n{BELOW}"));
    assert!(known.unwrap());

    let anew = [words("Turn"), ("anew", json!({})), words("Restart it [9]."), ("answer", answer()), end(true)];
    let (said, _) = asked(Form::AsItComes, &stream(&anew)).await;
    let void = "Turn\n\n(what stands above is void: it begins anew)\n\nRestart it [9].\n";
    let left = "\nWhat is left of it after all checks:\n\nRestart it [1].\n\nThen look [2].\n";
    assert_eq!(said, format!("{void}{left}{BELOW}"));

    // What is written into a file cannot be taken back.
    let (said, _) = asked(Form::WhenWhole, &stream(&anew)).await;
    assert_eq!(said, format!("Restart it [1].\n\nThen look [2].\n{BELOW}"));
    let (said, known) = asked(Form::Json, &stream(&anew)).await;
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), answer());
    assert!(known.unwrap());
}

#[tokio::test]
async fn what_is_not_known_is_said_and_is_no_failure() {
    let mut unknown = answer();
    unknown["known"] = json!(false);
    unknown["answer"] = Value::Null;
    unknown["citations"] = json!([]);
    let (said, known) = asked(Form::WhenWhole, &stream(&[("answer", unknown), end(true)])).await;
    assert!(said.starts_with("Not known") && said.contains("ana, who owns a.md"), "{said}");
    assert!(!known.unwrap());
}

#[tokio::test]
async fn a_cut_stream_is_never_shown_as_an_answer() {
    let words = ("words", json!({"text": "Restart"}));
    let whole = stream(&[words.clone(), ("answer", answer()), end(true)]);
    let problem = json!({"type": "about:blank", "title": "Busy", "status": 503, "detail": "Try again."});
    let cuts: Vec<(Vec<u8>, &str)> = vec![
        (stream(std::slice::from_ref(&words)), "cut off"),
        (stream(&[words.clone(), ("answer", answer())]), "cut off"),
        (whole[..whole.len() - 2].to_vec(), "cut off"),
        (stream(&[words.clone(), end(true)]), "without an answer"),
        (stream(&[words.clone(), ("answer", answer()), end(false)]), "not complete"),
        (stream(&[words.clone(), ("problem", problem), end(false)]), "Busy: Try again. (503)"),
        (stream(&[words, ("end", json!("x"))]), "not what this program understands"),
    ];
    for (bytes, said) in cuts {
        for form in [Form::AsItComes, Form::WhenWhole, Form::Json] {
            let (output, ended) = asked(form, &bytes).await;
            let error = format!("{:#}", ended.unwrap_err());
            assert!(error.contains(said), "{error}");
            let expected = if form == Form::AsItComes { "Restart\n" } else { "" };
            assert_eq!(output, expected);
            assert_eq!(error.contains("what stands above is no whole answer"), form == Form::AsItComes, "{error}");
        }
    }
}

#[tokio::test]
async fn a_refusal_and_what_is_no_stream_are_told() {
    let refused = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
    let json = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    for (bytes, said) in [(&refused[..], "403"), (&json[..], "something else than events")] {
        let (output, ended) = asked(Form::AsItComes, bytes).await;
        assert!(format!("{:#}", ended.unwrap_err()).contains(said));
        assert_eq!(output, "");
    }
}

#[tokio::test]
async fn a_terminal_obeys_nothing_that_comes() {
    let evil = "a\u{1b}[2J\u{9b}31m\r\u{7}\u{202e}\u{7f}b";
    let words = ("words", json!({"text": evil}));
    let mut answer = answer();
    answer["answer"] = json!(format!("{evil}\nmore"));
    answer["citations"][0]["file"] = json!(evil);
    answer["citations"][0]["heading"] = json!("x\ny");
    answer["events"][0]["type"] = json!(evil);
    answer["events"][0]["source"] = json!(evil);
    answer["events"][0]["id"] = json!(evil);
    answer["proposals"][0]["parameters"] = json!({evil: evil});
    answer["whom_to_ask"][0]["owner"] = json!(evil);
    answer["removed"][0]["why"] = json!(evil);
    answer["made_by"]["model"] = json!(evil);
    let (said, _) = asked(Form::AsItComes, &stream(&[words.clone(), ("answer", answer.clone()), end(true)])).await;
    assert!(said.chars().all(|one| one == '\n' || !(one.is_control() || one == '\u{202e}')), "{said:?}");
    assert!(said.contains("> x y\n"), "{said}");
    let (said, _) = asked(Form::Json, &stream(&[("answer", answer.clone()), end(true)])).await;
    assert!(said.chars().all(|one| one == '\n' || !(one.is_control() || one == '\u{202e}')), "{said:?}");
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), answer);
    let problem = json!({"title": evil, "status": 500, "detail": evil});
    let (_, ended) = asked(Form::AsItComes, &stream(&[words, ("problem", problem), end(false)])).await;
    let error = format!("{:#}", ended.unwrap_err());
    assert!(error.chars().all(|one| !one.is_control()), "{error:?}");
}
