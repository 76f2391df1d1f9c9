//! Each change is an event that says who made it, why, and of exactly which call.

use super::*;

async fn events(stage: &Stage, command: &Value) -> Vec<Value> {
    let target = format!("/v1/events?subject={}", command["id"].as_str().unwrap());
    let page = stage.get(&target).send().await.json;
    page["events"].as_array().unwrap().iter().map(|event| event["event"].clone()).collect()
}

fn who(event: &Value) -> &str {
    event["authid"].as_str().map_or("nobody", |uri| uri.rsplit('#').next().unwrap())
}

#[tokio::test]
async fn every_event_says_who_why_and_of_which_call() {
    let stage = Stage::new();
    let command = ask(&stage, "restart-worker").await;
    let decision = json!({"decision": "approve", "digest": command["digest"], "comment": "seen on the board"});
    on(&stage, &command, "approval", "ben", decision).await;
    let fence = try_lease(&stage, 0).await.json["fence"].clone();
    on(&stage, &command, "heartbeat", SERVICE, json!({"fence": fence})).await;
    on(&stage, &command, "cancel", "eva", json!({"reason": "the wrong one"})).await;
    let stopped = json!({"fence": fence, "outcome": "canceled", "message": "put back"});
    on(&stage, &command, "result", SERVICE, stopped).await;

    let events = events(&stage, &command).await;
    let whose: Vec<_> = events.iter().map(who).collect();
    assert_eq!(whose, ["ana", "ana", "ben", SERVICE, SERVICE, "eva", SERVICE]);
    for event in &events {
        let data = &event["data"];
        assert_eq!((&data["digest"], &data["reason"]), (&command["digest"], &json!("the queue grows")), "{event}");
    }
    assert_eq!(events[2]["data"]["approval"]["decided"][0]["comment"], "seen on the board");
    assert_eq!(events[5]["data"]["cancel_reason"], "the wrong one");
    assert_eq!(events[6]["data"]["result"]["message"], "put back");
}

#[tokio::test]
async fn what_time_alone_has_done_is_said_to_be_the_services_own_and_why() {
    let stage = Stage::new();
    let command = ask(&stage, "restart-worker").await;
    stage.clock.advance(Duration::from_secs(3600));
    stage.state.commands.sweep().await.unwrap();
    let events = events(&stage, &command).await;
    let last = events.last().unwrap();
    assert_eq!((who(last), &last["authtype"]), ("nobody", &json!("system")));
    assert_eq!(
        (&last["data"]["expired_because"], &last["data"]["digest"]),
        (&json!("nobody_decided"), &command["digest"])
    );
}

#[tokio::test]
async fn a_lease_that_was_lost_is_told_with_whose_it_was() {
    let stage = Stage::new();
    let (command, fence) = leased(&stage, "show-status").await;
    stage.clock.advance(Duration::from_secs(30));
    stage.state.commands.sweep().await.unwrap();
    let events = events(&stage, &command).await;
    let last = &events.last().unwrap()["data"];
    let holder = json!({"iss": crate::testing::ISSUER, "sub": SERVICE});
    let lost = json!({"fence": fence, "holder": holder, "at": "2026-03-01T12:00:30Z"});
    assert_eq!((&last["state"], &last["lease_lost"]), (&json!("scheduled"), &lost));
}
