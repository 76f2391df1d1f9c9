//! What did not end well is tried again where its runbook says so, and only there.

use super::books::*;
use super::*;

async fn sweep(stage: &Stage) {
    stage.state.commands.sweep().await.unwrap();
}

async fn fail(stage: &Stage, command: &Value, fence: u64, message: &str) -> Answer {
    on(stage, command, "result", SERVICE, json!({"fence": fence, "outcome": "failed", "message": message})).await
}

async fn begin(stage: &Stage, command: &Value) -> u64 {
    let lease = try_lease(stage, 0).await.json;
    assert_eq!(lease["command"]["id"], command["id"]);
    let fence = lease["fence"].as_u64().unwrap();
    assert_eq!(on(stage, command, "heartbeat", SERVICE, json!({"fence": fence})).await.status, StatusCode::OK);
    fence
}

#[tokio::test]
async fn a_failure_is_tried_again_after_growing_pauses_as_often_as_the_runbook_says() {
    let stage = stage([runbook("tidy", tried_again(2, 10.0))]);
    let command = ask(&stage, "tidy").await;
    for (attempt, pause) in [(1, 10), (2, 20)] {
        let lease = try_lease(&stage, 0).await.json;
        assert_eq!((&lease["command"]["attempt"], &lease["fence"]), (&json!(attempt), &json!(attempt)));
        let failed = fail(&stage, &command, attempt, "the disk is busy").await;
        assert_eq!((failed.status, &failed.json["state"]), (StatusCode::OK, &json!("scheduled")));
        // A report whose answer was lost is sent again.
        let again = fail(&stage, &command, attempt, "the disk is busy").await;
        assert_eq!((again.status, &again.json), (StatusCode::OK, &failed.json));
        stage.clock.advance(Duration::from_secs(pause - 1));
        assert_eq!(try_lease(&stage, 0).await.status, StatusCode::NO_CONTENT);
        stage.clock.advance(Duration::from_secs(1));
    }
    let fence = begin(&stage, &command).await;
    let failed = fail(&stage, &command, fence, "it broke").await.json;
    assert_eq!((&failed["state"], &failed["result"]["message"]), (&json!("failed"), &json!("it broke")));
    assert_eq!((&failed["attempts"], failed.get("not_before")), (&json!(3), None));
    let attempt =
        |attempt, at| json!({"attempt": attempt, "because": "failed", "message": "the disk is busy", "at": at});
    let attempts = json!([attempt(1, "2026-03-01T12:00:00Z"), attempt(2, "2026-03-01T12:00:10Z")]);
    assert_eq!(failed["attempts_failed"], attempts);
    let once = ["leased", "running", "scheduled"];
    let story = [&["requested", "scheduled"], &once[..], &once, &["leased", "running", "failed"]].concat();
    assert_eq!(trail(&stage, &command).await, story);
    assert_eq!(told(&stage, &command, "late_result").await, [json!(null); 0]);
}

#[tokio::test]
async fn a_silent_holder_and_a_slow_one_are_followed_by_another_attempt_that_knows_what_was_said_last() {
    let stage = stage([runbook("tidy", tried_again(9, 1.0))]);
    let command = ask(&stage, "tidy").await;
    let fence = begin(&stage, &command).await;
    let beat = json!({"fence": fence, "progress": {"line": "half of it"}});
    on(&stage, &command, "heartbeat", SERVICE, beat).await;
    stage.clock.advance(Duration::from_secs(30));
    sweep(&stage).await;
    // Whoever fell silent may still be at work, and must have heard by then that it is not to be.
    stage.clock.advance(Duration::from_secs(29));
    assert_eq!(try_lease(&stage, 0).await.status, StatusCode::NO_CONTENT);
    stage.clock.advance(Duration::from_secs(1));
    let fence = begin(&stage, &command).await;
    for _ in 0..3 {
        stage.clock.advance(Duration::from_secs(20));
        on(&stage, &command, "heartbeat", SERVICE, json!({"fence": fence})).await;
    }
    sweep(&stage).await;
    let command = super::books::command(&stage, &command).await;
    assert_eq!((&command["state"], &command["not_before"]), (&json!("scheduled"), &json!("2026-03-01T12:02:30Z")));
    let failed = command["attempts_failed"].as_array().unwrap();
    assert_eq!((&failed[0]["because"], &failed[0]["message"]), (&json!("abandoned"), &json!("half of it")));
    assert_eq!((&failed[1]["because"], failed[1].get("message")), (&json!("timeout"), None));
    let late = fail(&stage, &command, fence, "it broke").await;
    assert_eq!((late.status, problem(&late)), (StatusCode::CONFLICT, "wrong-state"));
}

#[tokio::test]
async fn nothing_is_tried_again_that_may_not_be() {
    let unasked = |runbook: &mut crate::runbooks::Runbook| {
        tried_again(9, 0.0)(runbook);
        runbook.idempotent = false;
    };
    let stage =
        stage([runbook("tidy", tried_again(9, 0.0)), runbook("once", unasked), runbook("never", tried_again(0, 0.0))]);
    let somebody = json!({"iss": crate::testing::ISSUER, "sub": "ben"});
    for (name, member, value) in [
        ("once", "reason", json!("")),
        ("never", "reason", json!("")),
        ("tidy", "dry_run", json!(true)),
        ("tidy", "stop_asked_by", somebody),
    ] {
        for silent in [false, true] {
            let command = ask(&stage, name).await;
            let fence = begin(&stage, &command).await;
            change_record(&stage, &command, |record| record["command"][member] = value.clone()).await;
            let ended = if silent {
                sweep(&stage).await;
                stage.clock.advance(Duration::from_secs(30));
                sweep(&stage).await;
                "abandoned"
            } else {
                fail(&stage, &command, fence, "no").await;
                "failed"
            };
            assert_eq!(state_of(&stage, &command).await, ended, "{name} {member}");
        }
    }
}

#[tokio::test]
async fn whoever_waits_is_given_the_next_attempt_when_its_time_comes() {
    let stage = stage([runbook("tidy", tried_again(1, 0.2))]);
    let command = ask(&stage, "tidy").await;
    let fence = begin(&stage, &command).await;
    let started = std::time::Instant::now();
    let failing = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        fail(&stage, &command, fence, "no").await;
        stage.clock.advance(Duration::from_millis(200));
    };
    let (lease, ()) = tokio::join!(try_lease(&stage, 30), failing);
    assert_eq!((&lease.json["command"]["id"], &lease.json["command"]["attempt"]), (&command["id"], &json!(2)));
    assert!(started.elapsed() < crate::commands::lease::LOOK_EVERY, "it was found by looking, not by the time");
}

#[tokio::test]
async fn the_next_attempt_has_an_hour_to_begin_from_when_it_may() {
    let stage = stage([runbook("tidy", tried_again(1, 3600.0))]);
    let command = ask(&stage, "tidy").await;
    let fence = begin(&stage, &command).await;
    fail(&stage, &command, fence, "no").await;
    stage.clock.advance(Duration::from_secs(7199));
    sweep(&stage).await;
    assert_eq!(state_of(&stage, &command).await, "scheduled");
    stage.clock.advance(Duration::from_secs(1));
    sweep(&stage).await;
    assert_eq!(
        (state_of(&stage, &command).await, expiry(&stage, &command).await),
        ("expired".into(), "nobody_began".into())
    );
}

#[tokio::test]
async fn a_clock_that_is_set_makes_no_pause_longer_and_a_replica_that_starts_knows_of_it() {
    let stage = stage([runbook("tidy", tried_again(1, 10.0))]);
    let command = ask(&stage, "tidy").await;
    let fence = begin(&stage, &command).await;
    fail(&stage, &command, fence, "no").await;
    let other = stage.replica();
    stage.clock.step(-time::Duration::DAY);
    let third = stage.replica();
    for stage in [&stage, &other, &third] {
        assert_eq!(try_lease(stage, 0).await.status, StatusCode::NO_CONTENT);
    }
    stage.clock.advance(Duration::from_secs(10));
    assert_eq!(try_lease(&third, 0).await.json["command"]["id"], command["id"]);
}
