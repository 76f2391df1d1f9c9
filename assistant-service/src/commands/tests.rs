use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{Answer, Stage};

mod again;
mod approvals;
mod asking;
mod books;
mod cancel;
mod clock;
mod deciding;
mod dry_run;
mod ended;
mod follow;
mod idempotency;
mod late;
mod leases;
mod life;
mod limits;
mod model;
mod output;
mod parameters;
mod phases;
mod places;
mod replay;
mod reports;
mod rights;
mod runbooks;
mod secrets;
mod sweeps;
mod table;
mod trail;

const SERVICE: &str = "sample-service";
const LEASE: &str = "/v1/services/sample-service/commands:lease";

async fn ask(stage: &Stage, runbook: &str) -> Value {
    let parameters = if runbook == "restart-worker" { json!({"worker": "mailer"}) } else { json!({}) };
    let body = json!({"runbook": runbook, "parameters": parameters, "reason": "the queue grows"});
    let answer = stage.post("/v1/commands", &body).by("ana").send().await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    assert_eq!(answer.headers["location"], format!("/v1/commands/{}", answer.json["id"].as_str().unwrap()));
    answer.json
}

async fn on(stage: &Stage, command: &Value, what: &str, by: &str, body: Value) -> Answer {
    let target = format!("/v1/commands/{}/{what}", command["id"].as_str().unwrap());
    stage.post(&target, &body).by(by).send().await
}

async fn decide(stage: &Stage, command: &Value, by: &str, decision: &str) -> Answer {
    on(stage, command, "approval", by, json!({"decision": decision, "digest": command["digest"]})).await
}

async fn try_lease(stage: &Stage, wait_seconds: u64) -> Answer {
    stage.post(LEASE, &json!({"wait_seconds": wait_seconds})).by(SERVICE).send().await
}

async fn state_of(stage: &Stage, command: &Value) -> String {
    let answer = stage.get(&format!("/v1/commands/{}", command["id"].as_str().unwrap())).send().await;
    answer.json["state"].as_str().unwrap().to_owned()
}

async fn trail(stage: &Stage, command: &Value) -> Vec<String> {
    let target = format!("/v1/events?subject={}&type=dev.watchgate.command.*", command["id"].as_str().unwrap());
    let page = stage.get(&target).send().await.json;
    let events = page["events"].as_array().unwrap();
    assert!(events.iter().all(|event| event["event"]["correlationid"] == command["id"]));
    let last = |text: &Value| text.as_str().unwrap().rsplit('.').next().unwrap().to_owned();
    events.iter().map(|event| last(&event["event"]["type"])).collect()
}

/// Why the command's last event says that it has expired.
async fn expiry(stage: &Stage, command: &Value) -> Value {
    let target = format!("/v1/events?subject={}&order=desc&limit=1", command["id"].as_str().unwrap());
    stage.get(&target).send().await.json["events"][0]["event"]["data"]["expired_because"].clone()
}

fn problem(answer: &Answer) -> &str {
    answer.json["type"].as_str().unwrap().rsplit(':').next().unwrap()
}

/// A command that was just leased, and its fence.
async fn leased(stage: &Stage, runbook: &str) -> (Value, Value) {
    let command = ask(stage, runbook).await;
    if command["state"] == "pending" {
        assert_eq!(decide(stage, &command, "ben", "approve").await.status, StatusCode::OK);
    }
    let answer = try_lease(stage, 0).await;
    assert_eq!(answer.status, StatusCode::OK);
    (command, answer.json["fence"].clone())
}

async fn running(stage: &Stage, runbook: &str) -> (Value, Value) {
    let (command, fence) = leased(stage, runbook).await;
    let answer = on(stage, &command, "heartbeat", SERVICE, json!({"fence": fence})).await;
    assert_eq!((answer.status, &answer.json["state"]), (StatusCode::OK, &json!("running")));
    (command, fence)
}
