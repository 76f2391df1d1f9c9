use axum::body::Body;
use axum::http::{Request, StatusCode};

use super::*;
use crate::testing::{Answer, HOST, Stage, keys};

async fn status_with_token(stage: &Stage, token: &str) -> StatusCode {
    let request = Request::get("/v1/events?limit=1").header("host", HOST).header("txn-token", token);
    stage.send(request.body(Body::empty()).unwrap()).await.status()
}

fn good(stage: &Stage) -> TransactionClaims {
    stage.claims("GET", "/v1/events?limit=1")
}

#[tokio::test]
async fn a_token_for_this_very_request_is_let_through() {
    let stage = Stage::new();
    let token = good(&stage).sign(&stage.keys).unwrap();
    assert_eq!(status_with_token(&stage, &token).await, StatusCode::OK);
}

#[tokio::test]
async fn a_token_for_another_request_another_time_or_nobody_is_refused() {
    let stage = Stage::new();
    let now = good(&stage).iat;
    type Change = fn(&mut TransactionClaims, u64);
    let attacks: [(&str, Change); 9] = [
        ("other method", |claims, _| claims.tctx.method = "POST".into()),
        ("other path", |claims, _| claims.tctx.target = "/v1/event?limit=1".into()),
        ("other query", |claims, _| claims.tctx.target = "/v1/events?limit=2".into()),
        ("no query", |claims, _| claims.tctx.target = "/v1/events".into()),
        ("other host", |claims, _| claims.tctx.host = "localhost".into()),
        ("expired", |claims, now| claims.exp = now),
        ("from the future", |claims, now| claims.iat = now + 60),
        ("other audience", |claims, _| claims.aud = "other-service".into()),
        ("anonymous", |claims, _| claims.sub = None),
    ];
    for (name, change) in attacks {
        let mut claims = good(&stage);
        change(&mut claims, now);
        let token = claims.sign(&stage.keys).unwrap();
        assert_eq!(status_with_token(&stage, &token).await, StatusCode::UNAUTHORIZED, "{name}");
    }
}

#[tokio::test]
async fn a_forged_or_broken_token_is_refused() {
    let stage = Stage::new();
    let claims = good(&stage);
    let token = claims.sign(&stage.keys).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    for forged in [
        claims.sign(&keys(2, "assistant-service")).unwrap(),
        claims.sign(&keys(1, "other-service")).unwrap(),
        format!("{signed}."),
        format!("{signed}.{}", signature.to_ascii_lowercase()),
        format!("x{token}"),
        signed.to_owned(),
        "x".to_owned(),
        String::new(),
    ] {
        assert_eq!(status_with_token(&stage, &forged).await, StatusCode::UNAUTHORIZED, "{forged}");
    }
}

#[tokio::test]
async fn two_tokens_or_two_hosts_are_refused() {
    let stage = Stage::new();
    let token = good(&stage).sign(&stage.keys).unwrap();
    for (name, value) in [("txn-token", token.as_str()), ("host", HOST)] {
        let answer = stage.get("/v1/events?limit=1").header(name, value).send().await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
    }
}

#[tokio::test]
async fn a_refusal_says_nothing_about_why() {
    let stage = Stage::new();
    let bodies = [
        stage.get("/v1/events").claiming(|claims| claims.exp = 0),
        stage.get("/v1/events").claiming(|c| c.aud.clear()),
    ];
    let [expired, foreign] = bodies;
    let expired = expired.send().await;
    assert_eq!(expired.json, foreign.send().await.json);
    assert_eq!(expired.headers["content-type"], "application/problem+json");
    assert_eq!(expired.headers["www-authenticate"], "Bearer realm=\"watchgate\"");
    let none = stage.send(Request::get("/v1/events").header("host", HOST).body(Body::empty()).unwrap()).await;
    assert_eq!(Answer::of(none).await.json, expired.json);
}

#[test]
fn rotated_keys_are_read_again_and_lost_ones_leave_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transaction.keys");
    let write = |seed| std::fs::write(&path, keys(seed, "a").to_json().as_bytes()).unwrap();
    write(1);
    let source = FileTransactionKeys::open(path.clone(), "a".to_owned()).unwrap();
    let kept = || source.keys().map(|keys| keys.to_json().to_string());
    let first = kept();
    let until_changed = |from: &Option<String>| {
        let started = std::time::Instant::now();
        while kept() == *from && started.elapsed().as_secs() < 10 {
            std::thread::yield_now();
        }
        kept()
    };
    write(2);
    let second = until_changed(&first);
    assert_eq!(second, Some(keys(2, "a").to_json().to_string()));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(until_changed(&second), None);
}

#[test]
fn keys_for_somebody_else_are_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transaction.keys");
    std::fs::write(&path, keys(1, "other").to_json().as_bytes()).unwrap();
    let refused = FileTransactionKeys::open(path, "mine".to_owned()).err().unwrap();
    assert_eq!(refused.to_string(), "its keys are for the audience other, not for mine");
}
