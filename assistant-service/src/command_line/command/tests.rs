//! The gateway is a socket that says what the test wants, one connection after the other.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::ask::ask;
use super::follow::told_to;
use crate::command_line::gateway::GatewayArguments;

const PAUSE: Duration = Duration::from_millis(1);

/// A gateway with one answer for each connection, and what it was asked, heads in small letters.
async fn gateway(
    answers: Vec<Vec<u8>>,
) -> (GatewayArguments, tempfile::NamedTempFile, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(connection.read_u8().await.unwrap());
            }
            let request = String::from_utf8(request).unwrap();
            let length = request.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            connection.read_exact(&mut body).await.unwrap();
            requests.push(request + std::str::from_utf8(&body).unwrap());
            connection.write_all(&answer).await.unwrap();
        }
        requests
    });
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "a-token").unwrap();
    (GatewayArguments::of(&address, token.path()), token, served)
}

fn stream(events: &[(u64, &str, Value)]) -> Vec<u8> {
    let event = |(id, name, data): &(u64, &str, Value)| format!("id: {id}\nevent: {name}\ndata: {data}\n\n");
    let events: String = events.iter().map(event).collect();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    format!("{head}: a sign of life\n\n{events}").into_bytes()
}

fn command(state: &str) -> Value {
    json!({"id": "7", "state": state})
}

fn piece(offset: u64, text: &str) -> Value {
    json!({"offset": offset, "text": text})
}

/// Follows a command through these streams: what was written, how it ended, and what the gateway was asked.
async fn followed(streams: Vec<Vec<u8>>, json: bool) -> (String, anyhow::Result<bool>, Vec<String>) {
    let (arguments, _token, served) = gateway(streams).await;
    let mut written = Vec::new();
    let ended = told_to(&mut written, &arguments, "7", json, PAUSE).await;
    (String::from_utf8(written).unwrap(), ended, served.await.unwrap())
}

#[tokio::test]
async fn every_piece_of_every_attempt_is_told_once_also_over_a_break() {
    let first = stream(&[
        (1, "command", command("running")),
        (2, "output", piece(0, "a long first attempt with ***\n")),
        (3, "output", piece(47, "and its end\n")),
    ]);
    // A break within an event: it comes whole with the next stream.
    let broken = [first, b"id: 4\nevent: outp".to_vec()].concat();
    let rest = stream(&[
        (3, "command", command("running")),
        (4, "output", piece(0, "again\n")),
        (5, "output", piece(6, "done\n")),
        (6, "command", command("succeeded")),
        (6, "end", json!({"state": "succeeded"})),
    ]);
    let (written, ended, requests) = followed(vec![broken, rest], false).await;
    assert_eq!(written, "a long first attempt with ***\nand its end\nagain\ndone\nsucceeded\n");
    assert!(ended.unwrap());
    assert!(requests[0].starts_with("GET /v1/commands/7/follow ") && !requests[0].contains("last-event-id"));
    assert!(requests[1].contains("last-event-id: 3\r\n"), "{}", requests[1]);
}

#[tokio::test]
async fn only_what_succeeded_ends_well() {
    for state in ["failed", "timeout", "canceled"] {
        let whole = stream(&[(1, "command", command(state)), (1, "end", json!({"state": state}))]);
        let (written, ended, _) = followed(vec![whole.clone()], false).await;
        assert_eq!((written, ended.unwrap()), (format!("{state}\n"), false));
        let (written, ended, _) = followed(vec![whole], true).await;
        assert_eq!((serde_json::from_str::<Value>(&written).unwrap(), ended.unwrap()), (command(state), false));
    }
}

#[tokio::test]
async fn a_command_is_followed_for_as_long_as_it_is_open_however_often_a_stream_tells_nothing() {
    let waits = stream(&[(1, "command", command("pending"))]);
    let whole = stream(&[(2, "command", command("succeeded")), (2, "end", json!({"state": "succeeded"}))]);
    let busy = [503, 429, 502].map(|status| answer(status, &json!({})));
    let streams = [vec![waits; 25], busy.to_vec(), vec![Vec::new(); 3], vec![whole]].concat();
    let (written, ended, requests) = followed(streams, false).await;
    assert_eq!((written.as_str(), requests.len()), ("succeeded\n", 32));
    assert!(ended.unwrap());
}

#[tokio::test]
async fn following_ends_in_words_when_the_service_says_that_the_command_is_gone_or_not_to_be_seen() {
    let cut = stream(&[(1, "command", command("running")), (2, "output", piece(0, "begun\n"))]);
    for status in [404, 403] {
        let (written, ended, _) = followed(vec![cut.clone(), answer(status, &json!({}))], false).await;
        assert_eq!(written, "begun\n");
        let error = format!("{:#}", ended.unwrap_err());
        assert!(error.contains("not followed any further") && error.contains(&status.to_string()), "{error}");
    }
    let (written, ended, _) = followed(vec![answer(404, &json!({}))], false).await;
    assert_eq!(written, "");
    assert!(format!("{:#}", ended.unwrap_err()).contains("404"));
}

#[tokio::test]
async fn a_token_that_does_not_count_may_be_renewed_within_ten_tries() {
    let waits = stream(&[(1, "command", command("pending"))]);
    let whole = stream(&[(2, "command", command("succeeded")), (2, "end", json!({"state": "succeeded"}))]);
    let refused = answer(401, &json!({}));
    let renewed = [vec![waits.clone()], vec![refused.clone(); 9], vec![whole]].concat();
    assert!(followed(renewed, false).await.1.unwrap());
    let error = format!("{:#}", followed([vec![waits], vec![refused; 10]].concat(), false).await.1.unwrap_err());
    assert!(error.contains("not followed any further") && error.contains("401"), "{error}");
}

fn answer(status: u16, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Asks under a key: what came of it, and what the gateway was asked.
async fn asked(answers: Vec<Vec<u8>>) -> (anyhow::Result<Value>, Vec<String>) {
    let (arguments, _token, served) = gateway(answers).await;
    let body = json!({"reason": "so"});
    let came = ask(&arguments.connect().unwrap(), &["5", "replay"], "k-1", &body, PAUSE).await;
    (came, served.await.unwrap())
}

#[tokio::test]
async fn an_answer_that_is_lost_is_asked_for_again_under_the_same_key() {
    let lost = b"HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"id\"".to_vec();
    let (came, requests) =
        asked(vec![Vec::new(), lost, answer(503, &json!({})), answer(200, &command("pending"))]).await;
    assert_eq!(came.unwrap(), command("pending"));
    assert_eq!(requests.len(), 4);
    for request in &requests {
        assert!(request.starts_with("POST /v1/commands/5/replay "), "{request}");
        assert!(request.contains("idempotency-key: k-1\r\n") && request.ends_with(r#"{"reason":"so"}"#), "{request}");
    }
}

#[tokio::test]
async fn what_may_have_been_taken_is_told_with_its_key_and_a_refusal_is_final() {
    let (came, requests) = asked([502, 503, 504, 502].map(|status| answer(status, &json!({}))).to_vec()).await;
    let error = format!("{:#}", came.unwrap_err());
    assert!(error.contains("--idempotency-key k-1") && error.contains("502"), "{error}");
    assert_eq!(requests.len(), 4);
    let (came, _) = asked(vec![answer(503, &json!({})), answer(401, &json!({}))]).await;
    assert!(format!("{:#}", came.unwrap_err()).contains("--idempotency-key k-1"));
    let (came, requests) = asked(vec![answer(400, &json!({}))]).await;
    let error = format!("{:#}", came.unwrap_err());
    assert!(error.contains("400") && !error.contains("k-1"), "{error}");
    assert_eq!(requests.len(), 1);
}
