//! Dead letters, and calling them once more.

use super::runbooks::{DROP_CACHE, SET_PASSWORD, call, catalogue, stage};
use super::*;

async fn replay(stage: &Stage, command: &Value, by: &str) -> Answer {
    on(stage, command, "replay", by, json!({})).await
}

/// A command that its service has ended so.
async fn ended(stage: &Stage, runbook: &str, outcome: &str) -> Value {
    let (command, fence) = running(stage, runbook).await;
    on(stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": outcome})).await.json
}

async fn ids(stage: &Stage, query: &str, by: &str) -> Vec<Value> {
    let page = stage.get(&format!("/v1/commands?{query}")).by(by).send().await.json;
    page["commands"].as_array().unwrap().iter().map(|command| command["id"].clone()).collect()
}

#[tokio::test]
async fn what_failed_is_called_once_more_by_whoever_may_and_needs_approval_anew() {
    let stage = Stage::new();
    let failed = ended(&stage, "restart-worker", "failed").await;
    let again = replay(&stage, &failed, "eva").await;
    assert_eq!((again.status, &again.json["state"]), (StatusCode::CREATED, &json!("pending")));
    assert_ne!(again.json["id"], failed["id"]);
    assert_eq!(again.headers["location"], format!("/v1/commands/{}", again.json["id"].as_str().unwrap()));
    assert_eq!(again.json["replays"], failed["id"]);
    assert_eq!(again.json["requested_by"]["sub"], "eva");
    for same in ["runbook", "parameters", "digest"] {
        assert_eq!(again.json[same], failed[same], "{same}");
    }
    // Nobody has somebody else's reason put in the mouth.
    assert_eq!(again.json["reason"], "");
    assert_eq!(problem(&decide(&stage, &again.json, "eva", "approve").await), "own-request");
    assert_eq!(decide(&stage, &again.json, "ana", "approve").await.json["state"], "scheduled");
    let other = on(&stage, &failed, "replay", "eva", json!({"reason": "the disk was full"})).await;
    assert_eq!(other.json["reason"], "the disk was full");
}

#[tokio::test]
async fn what_is_open_or_was_done_or_decided_against_is_not_called_once_more() {
    let stage = Stage::new();
    let pending = ask(&stage, "restart-worker").await;
    let rejected = decide(&stage, &ask(&stage, "restart-worker").await, "ben", "reject").await.json;
    let done = ended(&stage, "show-status", "succeeded").await;
    for command in [pending, rejected, done] {
        let refused = replay(&stage, &command, "ana").await;
        assert_eq!((refused.status, problem(&refused)), (StatusCode::CONFLICT, "wrong-state"), "{command}");
    }
    let missing = json!({"id": "019ca000-0000-7000-8000-000000000000"});
    assert_eq!(replay(&stage, &missing, "ana").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn whatever_did_not_come_to_a_good_end_can_be_called_once_more() {
    let stage = Stage::new();
    let canceled = on(&stage, &ask(&stage, "show-status").await, "cancel", "ana", json!({})).await.json;
    let expired = ask(&stage, "show-status").await;
    stage.clock.advance(Duration::from_secs(3600));
    stage.state.commands.sweep().await.unwrap();
    let (abandoned, _) = running(&stage, "restart-worker").await;
    stage.clock.advance(Duration::from_secs(30));
    stage.state.commands.sweep().await.unwrap();
    let (slow, _) = running(&stage, "show-status").await;
    stage.clock.advance(Duration::from_secs(20));
    stage.state.commands.sweep().await.unwrap();
    for (command, state) in [(canceled, "canceled"), (expired, "expired"), (abandoned, "abandoned"), (slow, "timeout")]
    {
        assert_eq!(state_of(&stage, &command).await, state);
        assert_eq!(replay(&stage, &command, "ana").await.status, StatusCode::CREATED, "{state}");
    }
}

#[tokio::test]
async fn secrets_go_along_unseen_even_if_the_runbook_forgets_that_they_are_some() {
    let stage = stage();
    let command = call(&stage, "set-password", json!({"password": "correct-horse"})).await;
    let fence = try_lease(&stage, 0).await.json["fence"].clone();
    on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "failed"})).await;
    let forgetful = SET_PASSWORD.replace(", secret: true", "");
    let stage = stage.with_runbooks(catalogue(&[&forgetful]));
    let again = replay(&stage, &command, "eva").await.json;
    assert_eq!(again["parameters"], json!({"account": "root", "password": "***"}));
    let lease = try_lease(&stage, 0).await.json;
    assert_eq!(lease["command"]["parameters"], json!({"account": "root", "password": "correct-horse"}));
}

#[tokio::test]
async fn the_runbook_as_it_stands_now_is_called() {
    let stage = stage();
    let command = call(&stage, "drop-cache", json!({"region": "north"})).await;
    on(&stage, &command, "cancel", "ana", json!({})).await;
    let narrower = DROP_CACHE.replace("{type: string, default: everywhere}", "{type: string, enum: [south]}");
    let stage = stage.with_runbooks(catalogue(&[&narrower]));
    assert_eq!(replay(&stage, &command, "ana").await.wrong_fields(), ["parameters.region"]);
    let stage = stage.with_runbooks(catalogue(&[]));
    assert_eq!(replay(&stage, &command, "ana").await.wrong_fields(), ["runbook"]);
}

#[tokio::test]
async fn a_replay_under_the_same_key_is_one_replay() {
    let stage = Stage::new();
    let failed = ended(&stage, "show-status", "failed").await;
    let other = ended(&stage, "show-status", "failed").await;
    let keyed = async |command: &Value| {
        let target = format!("/v1/commands/{}/replay", command["id"].as_str().unwrap());
        stage.request("POST", &target).header("idempotency-key", "one").send().await
    };
    let (first, again) = (keyed(&failed).await, keyed(&failed).await);
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!(first.json["id"], again.json["id"]);
    assert_eq!(keyed(&other).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn dead_letters_are_listed_and_so_is_what_is_ones_own() {
    let stage = Stage::new();
    let failed = ended(&stage, "restart-worker", "failed").await;
    ended(&stage, "show-status", "succeeded").await;
    let canceled = ask(&stage, "show-status").await;
    on(&stage, &canceled, "cancel", "ana", json!({})).await;
    let body = json!({"runbook": "show-status"});
    let of_ben = stage.post("/v1/commands", &body).by("ben").send().await.json;
    assert_eq!(ids(&stage, "outcome=dead", "ana").await, [failed["id"].clone()]);
    assert!(ids(&stage, "outcome=dead&state=pending", "ana").await.is_empty());
    assert!(ids(&stage, "outcome=dead&runbook=show-status", "ana").await.is_empty());
    assert_eq!(ids(&stage, "runbook=restart-worker", "ana").await, [failed["id"].clone()]);
    assert_eq!(ids(&stage, "requested_by=me", "ben").await, [of_ben["id"].clone()]);
    assert_eq!(ids(&stage, "requested_by=me", "ana").await.len(), 3);
    for query in ["outcome=alive", "requested_by=ana"] {
        assert_eq!(stage.get(&format!("/v1/commands?{query}")).send().await.wrong_fields(), ["query"]);
    }
}
