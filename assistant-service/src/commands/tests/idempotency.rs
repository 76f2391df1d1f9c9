//! Asking once more with the same key makes no second command.

use super::*;

const CALL: &str = "show-status";

async fn with_key(stage: &Stage, body: &Value, by: &str, key: &str) -> Answer {
    stage.post("/v1/commands", body).by(by).header("idempotency-key", key).send().await
}

async fn count(stage: &Stage) -> usize {
    stage.get("/v1/commands").send().await.json["commands"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_key_and_call_is_answered_with_the_command_that_there_is() {
    let stage = Stage::new();
    let body = json!({"runbook": CALL, "reason": "is it up?"});
    let first = with_key(&stage, &body, "ana", "\"7f3e-1\"").await;
    assert_eq!(first.status, StatusCode::CREATED);
    try_lease(&stage, 0).await;
    let spelled_out = json!({"reason": "is it up?", "dry_run": false, "parameters": {}, "runbook": CALL});
    for (body, key) in [(&body, "\"7f3e-1\""), (&body, "7f3e-1"), (&spelled_out, "7f3e-1")] {
        let again = with_key(&stage, body, "ana", key).await;
        assert_eq!((again.status, &again.json["id"]), (StatusCode::OK, &first.json["id"]), "{key} {body}");
        assert_eq!(again.headers["location"], first.headers["location"]);
        assert_eq!(again.json["state"], "leased");
    }
    assert_eq!(count(&stage).await, 1);
}

#[tokio::test]
async fn of_many_that_come_at_once_under_one_key_one_makes_the_command() {
    let stage = Stage::new();
    let body = json!({"runbook": CALL});
    let answers = futures_util::future::join_all((0..8).map(|_| with_key(&stage, &body, "ana", "one"))).await;
    let made = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
    let told = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    assert_eq!((made, told), (1, 7));
    assert!(answers.iter().all(|answer| answer.json["id"] == answers[0].json["id"]));
    assert_eq!(count(&stage).await, 1);
}

#[tokio::test]
async fn the_same_key_with_another_call_is_refused_and_another_caller_has_keys_of_his_own() {
    let stage = Stage::new();
    let body = json!({"runbook": CALL, "reason": "is it up?"});
    with_key(&stage, &body, "ana", "one").await;
    for other in [
        json!({"runbook": CALL, "reason": "is it down?"}),
        json!({"runbook": "rotate-logs", "reason": "is it up?"}),
        json!({"runbook": CALL, "reason": "is it up?", "dry_run": true}),
        json!({"runbook": CALL, "reason": "is it up?", "parameters": {"x": 1}}),
    ] {
        let refused = with_key(&stage, &other, "ana", "one").await;
        let found = (refused.status, problem(&refused));
        assert_eq!(found, (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused"), "{other}");
    }
    assert_eq!(with_key(&stage, &body, "ben", "one").await.status, StatusCode::CREATED);
    assert_eq!(with_key(&stage, &body, "ana", "two").await.status, StatusCode::CREATED);
    assert_eq!(count(&stage).await, 3);
}

#[tokio::test]
async fn what_is_no_key_is_refused_and_makes_no_command() {
    let stage = Stage::new();
    let body = json!({"runbook": CALL});
    let long = "x".repeat(256);
    for key in ["", "\"\"", "two words", "\"open", "\"a\";b=1", "ä", long.as_str()] {
        let refused = with_key(&stage, &body, "ana", key).await;
        let found = (refused.status, refused.wrong_fields());
        assert_eq!(found, (StatusCode::BAD_REQUEST, vec!["Idempotency-Key"]), "{key}");
    }
    let twice = stage.post("/v1/commands", &body).header("idempotency-key", "a").header("idempotency-key", "a");
    assert_eq!(twice.send().await.status, StatusCode::BAD_REQUEST);
    assert_eq!(count(&stage).await, 0);
    assert_eq!(with_key(&stage, &body, "ana", &long[1..]).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_key_holds_for_a_day_and_a_refusal_uses_none() {
    let stage = Stage::new();
    let wrong = with_key(&stage, &json!({"runbook": "drop-tables"}), "ana", "one").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let body = json!({"runbook": CALL});
    let first = with_key(&stage, &body, "ana", "one").await;
    assert_eq!(first.status, StatusCode::CREATED);
    stage.clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert_eq!(with_key(&stage, &body, "ana", "one").await.json["id"], first.json["id"]);
    stage.clock.advance(Duration::from_secs(1));
    let later = with_key(&stage, &body, "ana", "one").await;
    assert_eq!(later.status, StatusCode::CREATED);
    assert_ne!(later.json["id"], first.json["id"]);
}
