//! What the holder of a lease reports, and what its silence means.

use super::*;

#[tokio::test]
async fn only_the_holder_of_the_lease_reports() {
    let stage = Stage::new();
    assert_eq!(stage.post(LEASE, &json!({})).by("other").send().await.status, StatusCode::FORBIDDEN);
    let (command, fence) = leased(&stage, "show-status").await;
    for (what, body) in
        [("heartbeat", json!({"fence": fence})), ("result", json!({"fence": fence, "outcome": "succeeded"}))]
    {
        assert_eq!(on(&stage, &command, what, "other", body.clone()).await.status, StatusCode::FORBIDDEN, "{what}");
        let target = format!("/v1/commands/{}/{what}", command["id"].as_str().unwrap());
        let namesake = stage.post(&target, &body).by(SERVICE);
        let namesake = namesake.claiming(|claims| claims.rctx.iss = Some("https://other.example".to_owned()));
        assert_eq!(namesake.send().await.status, StatusCode::FORBIDDEN, "{what}");
        for stale in [0, 2] {
            let mut body = body.clone();
            body["fence"] = json!(stale);
            let refused = on(&stage, &command, what, SERVICE, body).await;
            assert_eq!((refused.status, problem(&refused)), (StatusCode::CONFLICT, "stale-fence"), "{what}");
        }
        let missing = json!({"id": "019ca000-0000-7000-8000-000000000000"});
        assert_eq!(on(&stage, &missing, what, SERVICE, body).await.status, StatusCode::NOT_FOUND, "{what}");
    }
    assert_eq!(state_of(&stage, &command).await, "leased");
}

#[tokio::test]
async fn reports_that_are_too_long_are_refused_by_their_fields() {
    let stage = Stage::new();
    let (command, fence) = leased(&stage, "show-status").await;
    for (what, body, field) in [
        ("heartbeat", json!({"fence": fence, "progress": {"percent": 101}}), "progress.percent"),
        ("heartbeat", json!({"fence": fence, "progress": {"line": "x".repeat(2000)}}), "progress.line"),
        ("heartbeat", json!({"fence": -1}), "fence"),
        ("result", json!({"fence": fence, "outcome": "done"}), "outcome"),
        ("result", json!({"fence": fence, "outcome": "failed", "result": {"log": "x".repeat(70_000)}}), "result"),
    ] {
        let answer = on(&stage, &command, what, SERVICE, body).await;
        assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, vec![field]));
    }
    let answer = try_lease(&stage, 31).await;
    assert_eq!(answer.wrong_fields(), ["wait_seconds"]);
}

#[tokio::test]
async fn silence_while_running_ends_in_abandoned_and_a_late_report_does_not_change_that() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "restart-worker").await;
    stage.clock.advance(Duration::from_secs(20));
    on(&stage, &command, "heartbeat", SERVICE, json!({"fence": fence})).await;
    stage.clock.advance(Duration::from_secs(29));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "running");
    stage.clock.advance(Duration::from_secs(1));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "abandoned");
    let late = on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "succeeded"})).await;
    assert_eq!((late.status, problem(&late)), (StatusCode::CONFLICT, "wrong-state"));
}

#[tokio::test]
async fn a_result_after_the_end_of_the_lease_counts_while_nobody_has_ended_the_command() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "restart-worker").await;
    stage.clock.advance(Duration::from_secs(31));
    let late = on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "succeeded"})).await;
    assert_eq!(late.json["state"], "succeeded");
}

#[tokio::test]
async fn heartbeats_and_a_result_that_cross_do_not_refuse_each_other() {
    let stage = Stage::new();
    for _ in 0..8 {
        let (command, fence) = running(&stage, "show-status").await;
        let beat = |percent: u8| json!({"fence": fence, "progress": {"percent": percent}});
        let (one, other) = tokio::join!(
            on(&stage, &command, "heartbeat", SERVICE, beat(1)),
            on(&stage, &command, "heartbeat", SERVICE, beat(2))
        );
        assert_eq!((one.status, other.status), (StatusCode::OK, StatusCode::OK));
        let report = json!({"fence": fence, "outcome": "succeeded"});
        let (beaten, done, again) = tokio::join!(
            on(&stage, &command, "heartbeat", SERVICE, beat(3)),
            on(&stage, &command, "result", SERVICE, report.clone()),
            on(&stage, &command, "result", SERVICE, report)
        );
        assert_eq!((done.status, again.status), (StatusCode::OK, StatusCode::OK));
        // A heartbeat that comes second is told that the command has ended, nothing else.
        assert!(beaten.status == StatusCode::OK || problem(&beaten) == "wrong-state", "{beaten:?}");
        let story = trail(&stage, &command).await;
        assert_eq!(story, ["requested", "scheduled", "leased", "running", "succeeded"]);
    }
}

#[tokio::test]
async fn whoever_takes_longer_than_the_runbook_allows_is_timed_out_despite_heartbeats() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "restart-worker").await;
    for _ in 0..3 {
        stage.clock.advance(Duration::from_secs(20));
        on(&stage, &command, "heartbeat", SERVICE, json!({"fence": fence})).await;
    }
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "timeout");
}
