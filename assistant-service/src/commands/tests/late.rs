//! A result that comes too late changes nothing, and is kept once.

use super::books::*;
use super::*;

#[tokio::test]
async fn a_result_of_an_old_lease_is_refused_and_kept_once() {
    let stage = Stage::new();
    let (command, old) = leased(&stage, "show-status").await;
    stage.state.commands.sweep().await.unwrap();
    stage.clock.advance(Duration::from_secs(30));
    stage.state.commands.sweep().await.unwrap();
    let fence = try_lease(&stage, 0).await.json["fence"].clone();
    let before = super::books::command(&stage, &command).await;
    let report = json!({"fence": old, "outcome": "succeeded", "result": {"rows": 7}, "message": "done after all"});
    for _ in 0..2 {
        let late = on(&stage, &command, "result", SERVICE, report.clone()).await;
        assert_eq!((late.status, problem(&late)), (StatusCode::CONFLICT, "stale-fence"));
    }
    let holder = json!({"iss": crate::testing::ISSUER, "sub": SERVICE});
    let kept = json!({"fence": 1, "outcome": "succeeded", "message": "done after all", "holder": holder});
    assert_eq!(told(&stage, &command, "late_result").await, [kept]);
    assert_eq!(super::books::command(&stage, &command).await, before);

    // One is kept of each lease, whatever it says; a fence that was never given, somebody else's word and a heartbeat are none.
    for rows in 8..11 {
        let differs = json!({"fence": old, "outcome": "failed", "result": {"rows": rows}});
        assert_eq!(on(&stage, &command, "result", SERVICE, differs).await.status, StatusCode::CONFLICT);
    }
    for unknown in [0, 3] {
        let answer = on(&stage, &command, "result", SERVICE, json!({"fence": unknown, "outcome": "failed"})).await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
    }
    on(&stage, &command, "result", "other", report).await;
    on(&stage, &command, "heartbeat", SERVICE, json!({"fence": old})).await;
    assert_eq!(told(&stage, &command, "late_result").await.len(), 1);
    let done = on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "succeeded"})).await;
    assert_eq!(done.status, StatusCode::OK);
}

#[tokio::test]
async fn what_an_abandoned_command_comes_to_after_all_is_known() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "show-status").await;
    stage.state.commands.sweep().await.unwrap();
    stage.clock.advance(Duration::from_secs(20));
    let beat = json!({"fence": fence, "progress": {"percent": 90}});
    on(&stage, &command, "heartbeat", SERVICE, beat).await;
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "timeout");
    let report = json!({"fence": fence, "outcome": "failed"});
    let late = on(&stage, &command, "result", SERVICE, report).await;
    assert_eq!((late.status, problem(&late)), (StatusCode::CONFLICT, "wrong-state"));
    let kept = told(&stage, &command, "late_result").await;
    assert_eq!((kept.len(), &kept[0]["outcome"]), (1, &json!("failed")));
    let command = super::books::command(&stage, &command).await;
    assert_eq!((&command["state"], &command["progress"]["percent"]), (&json!("timeout"), &json!(90)));
    assert_eq!(command.get("result"), None);
}

#[tokio::test]
async fn a_result_that_is_only_out_of_place_is_not_late() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "show-status").await;
    on(&stage, &command, "heartbeat", SERVICE, json!({"fence": fence, "phase": "rolling_back"})).await;
    let answer = on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "succeeded"})).await;
    assert_eq!((answer.status, problem(&answer)), (StatusCode::CONFLICT, "wrong-state"));
    assert_eq!(told(&stage, &command, "late_result").await, [json!(null); 0]);
}

#[tokio::test]
async fn a_namesake_of_another_issuer_that_never_had_the_lease_is_refused_and_written_down_nowhere() {
    let stage = Stage::new();
    let (command, old) = leased(&stage, "show-status").await;
    stage.state.commands.sweep().await.unwrap();
    stage.clock.advance(Duration::from_secs(30));
    stage.state.commands.sweep().await.unwrap();
    let fence = try_lease(&stage, 0).await.json["fence"].clone();
    let target = format!("/v1/commands/{}/result", command["id"].as_str().unwrap());
    for fence in [&json!(0), &old, &fence, &json!(3)] {
        let namesake = stage.post(&target, &json!({"fence": fence, "outcome": "succeeded"})).by(SERVICE);
        let namesake = namesake.claiming(|claims| claims.rctx.iss = Some("https://other.example".to_owned()));
        assert_eq!(namesake.send().await.status, StatusCode::FORBIDDEN, "{fence}");
    }
    assert_eq!(told(&stage, &command, "late_result").await, [json!(null); 0]);
}

#[tokio::test]
async fn a_failure_that_was_heard_is_answered_so_when_the_next_attempt_is_leased_already() {
    let stage = stage([runbook("tidy", tried_again(1, 0.0))]);
    let (command, fence) = running(&stage, "tidy").await;
    let report = json!({"fence": fence, "outcome": "failed", "message": "the disk is busy"});
    assert_eq!(on(&stage, &command, "result", SERVICE, report.clone()).await.status, StatusCode::OK);
    assert_eq!(try_lease(&stage, 0).await.json["fence"], 2);
    let again = on(&stage, &command, "result", SERVICE, report).await;
    assert_eq!((again.status, &again.json["state"]), (StatusCode::OK, &json!("leased")));
    assert_eq!(told(&stage, &command, "late_result").await, [json!(null); 0]);
    let other = json!({"fence": fence, "outcome": "failed", "message": "something else"});
    assert_eq!(on(&stage, &command, "result", SERVICE, other).await.status, StatusCode::CONFLICT);
    assert_eq!(told(&stage, &command, "late_result").await.len(), 1);
}
