//! What a check has begun is put in order within the check's time, whoever does not answer; and what others say is cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::time::timeout;

use super::{command, event, revocation, session};
use crate::probe::against::against;

/// Takes half of a check's four seconds to list sessions, offers one, and never shows its code. Says when that one was ended.
fn slow(ended: &Arc<AtomicBool>) -> Router {
    let ended = Arc::clone(ended);
    let list = async || {
        tokio::time::sleep(Duration::from_secs(2)).await;
        Json(json!({"sessions": []}))
    };
    let offer = async || (StatusCode::CREATED, Json(json!({"id": "s1", "link": "https://gw.example.com/#handle"})));
    let end = move || async move {
        ended.store(true, Ordering::SeqCst);
        StatusCode::NO_CONTENT
    };
    Router::new()
        .route("/v1/sessions", get(list).post(offer))
        .route("/v1/sessions/{id}/code.png", get(std::future::pending::<StatusCode>))
        .route("/v1/sessions/{id}", delete(end))
}

#[tokio::test]
async fn a_session_is_ended_in_time_when_its_device_is_not_let_in() {
    let ended = Arc::new(AtomicBool::new(false));
    let made = against(slow(&ended), "session: {timeoutSeconds: 4}\n", async |walk, identity| {
        let settings = walk.settings.session.as_ref().unwrap();
        timeout(settings.pace.timeout, session::check(walk, identity, settings)).await
    });
    let why = made.await.unwrap().unwrap_err().to_string();
    assert!(why.contains("not let in in time") && ended.load(Ordering::SeqCst), "{why}");
}

#[tokio::test]
async fn a_session_whose_token_was_to_be_revoked_is_ended_in_the_time_of_the_revocation() {
    let folder = tempfile::tempdir().unwrap();
    let operator = folder.path().join("operator.token");
    std::fs::write(&operator, "operator").unwrap();
    let more = format!(
        "session: {{timeoutSeconds: 600}}\nrevocation: {{timeoutSeconds: 4, token: {{file: '{}'}}}}\n",
        operator.display()
    );
    let ended = Arc::new(AtomicBool::new(false));
    let made = against(slow(&ended), &more, async |walk, identity| {
        let settings = walk.settings.revocation.as_ref().unwrap();
        timeout(settings.pace.timeout, revocation::check(walk, identity, settings)).await
    });
    let why = format!("{:#}", made.await.unwrap().unwrap_err());
    assert!(why.contains("not let in in time") && ended.load(Ordering::SeqCst), "{why}");
}

#[tokio::test]
async fn a_command_that_is_not_followed_to_its_end_is_called_off_in_time() {
    let silent = get(std::future::pending::<StatusCode>);
    let away = get(async || StatusCode::SERVICE_UNAVAILABLE);
    for (state, expected) in [(silent, "did not end in time; it was unknown"), (away, "answered 503")] {
        let called_off = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&called_off);
        let cancel = move || async move {
            heard.store(true, Ordering::SeqCst);
            StatusCode::OK
        };
        let app = Router::new()
            .route("/v1/commands", post(async || (StatusCode::CREATED, Json(json!({"id": "c1"})))))
            .route("/v1/commands/{id}", state)
            .route("/v1/commands/{id}/cancel", post(cancel));
        let made = against(app, "command: {runbook: canary, timeoutSeconds: 4}\n", async |walk, identity| {
            let settings = walk.settings.command.as_ref().unwrap();
            timeout(settings.pace.timeout, command::check(walk, identity, settings)).await
        });
        let why = made.await.unwrap().unwrap_err().to_string();
        assert!(why.contains(expected) && called_off.load(Ordering::SeqCst), "{why}");
    }
}

#[tokio::test]
async fn whose_an_event_is_instead_is_told_in_short_and_without_what_a_terminal_obeys() {
    let found = json!({"events": [{"event": {"authid": format!("\u{1b}[31m{}", "x".repeat(100_000))}}]});
    let taken = post(async || StatusCode::ACCEPTED);
    let app = Router::new().route("/v1/events", taken.get(move || async move { Json(found) }));
    let made = against(app, "", async |walk, identity| event::check(walk, identity, &json!({})).await);
    let why = made.await.unwrap_err().to_string();
    assert!(why.starts_with("it came in as somebody else's: [31mxxx") && why.len() < 300, "{why}");
}
