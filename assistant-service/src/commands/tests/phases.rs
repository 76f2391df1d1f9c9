//! Carrying out, verifying, rolling back: what follows what, for how long, and how a holder hears that it is to stop.

use super::books::*;
use super::*;

async fn beat(stage: &Stage, command: &Value, fence: &Value, phase: Option<&str>) -> Answer {
    on(stage, command, "heartbeat", SERVICE, json!({"fence": fence, "phase": phase})).await
}

#[tokio::test]
async fn each_phase_begins_once_and_none_is_gone_back_to() {
    let stage = Stage::new();
    let (command, fence) = leased(&stage, "show-status").await;
    for (phase, state) in [
        (Some("verifying"), "verifying"),
        (Some("verifying"), "verifying"),
        (None, "verifying"),
        (Some("rolling_back"), "rolling_back"),
        (Some("rolling_back"), "rolling_back"),
        (Some("verifying"), "rolling_back"),
        (None, "rolling_back"),
    ] {
        let answer = beat(&stage, &command, &fence, phase).await;
        assert_eq!((answer.status, &answer.json["state"]), (StatusCode::OK, &json!(state)), "{phase:?}");
    }
    on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "failed"})).await;
    let story = ["requested", "scheduled", "leased", "running", "verifying", "rolling_back", "failed"];
    assert_eq!(trail(&stage, &command).await, story);
    let late = beat(&stage, &command, &fence, None).await;
    assert_eq!((late.status, problem(&late)), (StatusCode::CONFLICT, "wrong-state"));
    let odd = beat(&stage, &command, &fence, Some("sleeping")).await;
    assert_eq!((odd.status, odd.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["phase"]));
}

#[tokio::test]
async fn each_phase_has_the_time_of_the_runbook() {
    let stage = stage([runbook("tidy", |_| {})]);
    let (command, fence) = running(&stage, "tidy").await;
    for (phase, state) in [(None, "running"), (Some("verifying"), "verifying"), (Some("rolling_back"), "rolling_back")]
    {
        assert_eq!(beat(&stage, &command, &fence, phase).await.status, StatusCode::OK);
        for seconds in [20, 20, 19] {
            stage.clock.advance(Duration::from_secs(seconds));
            beat(&stage, &command, &fence, None).await;
            stage.state.commands.sweep().await.unwrap();
        }
        assert_eq!(state_of(&stage, &command).await, state);
    }
    stage.clock.advance(Duration::from_secs(1));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "timeout");
}

#[tokio::test]
async fn a_holder_that_is_to_stop_is_told_so_and_reports_it() {
    let stage = stage([runbook("tidy", tried_again(3, 0.0))]);
    let (command, fence) = running(&stage, "tidy").await;
    assert_eq!(beat(&stage, &command, &fence, None).await.json["stop"], false);
    let somebody = json!({"iss": crate::testing::ISSUER, "sub": "ben"});
    change_record(&stage, &command, |record| record["command"]["stop_asked_by"] = somebody).await;
    let told = beat(&stage, &command, &fence, Some("rolling_back")).await.json;
    assert_eq!((&told["stop"], &told["state"]), (&json!(true), &json!("rolling_back")));
    let report = json!({"fence": fence, "outcome": "canceled", "message": "undone"});
    let done = on(&stage, &command, "result", SERVICE, report).await.json;
    assert_eq!((&done["state"], &done["result"]["outcome"]), (&json!("canceled"), &json!("canceled")));
}
