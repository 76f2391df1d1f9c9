//! The whole life of a command.

use super::*;

#[tokio::test]
async fn a_command_is_asked_for_approved_leased_and_carried_out_and_each_step_is_an_event() {
    let stage = Stage::new();
    let command = ask(&stage, "restart-worker").await;
    assert_eq!(command["state"], "pending");
    assert_eq!(command["approval"], json!({"needed": true, "not_requester": true, "quorum": 1}));
    assert_eq!(try_lease(&stage, 0).await.status, StatusCode::NO_CONTENT);

    let approved = decide(&stage, &command, "ben", "approve").await.json;
    assert_eq!(approved["state"], "scheduled");
    assert_eq!(approved["approval"]["decided"][0]["by"], json!({"iss": crate::testing::ISSUER, "sub": "ben"}));

    let lease = try_lease(&stage, 0).await.json;
    let runbook = stage.get("/v1/runbooks/restart-worker").send().await.json;
    let call = json!({"id": command["id"], "runbook": "restart-worker", "runbook_digest": runbook["digest"],
        "parameters": {"worker": "mailer"}, "timeout_seconds": 60, "dry_run": false, "attempt": 1});
    assert_eq!(lease, json!({"command": call, "fence": 1, "lease_expires_at": "2026-03-01T12:00:30Z"}));

    stage.clock.advance(Duration::from_secs(5));
    let progress = json!({"percent": 50, "line": "stopping"});
    let beat = on(&stage, &command, "heartbeat", SERVICE, json!({"fence": 1, "progress": progress})).await;
    assert_eq!(beat.json, json!({"state": "running", "lease_expires_at": "2026-03-01T12:00:35Z", "stop": false}));

    let report = json!({"fence": 1, "outcome": "succeeded", "result": {"pid": 7}, "message": "restarted"});
    let done = on(&stage, &command, "result", SERVICE, report.clone()).await;
    assert_eq!((done.status, &done.json["state"]), (StatusCode::OK, &json!("succeeded")));
    assert_eq!(done.json["result"], json!({"outcome": "succeeded", "result": {"pid": 7}, "message": "restarted"}));
    assert_eq!(done.json["progress"], progress);
    assert_eq!(done.json.get("lease"), None);

    // A report whose answer was lost is sent again.
    assert_eq!(on(&stage, &command, "result", SERVICE, report).await.json, done.json);
    let story = ["requested", "pending", "scheduled", "leased", "running", "succeeded"];
    assert_eq!(trail(&stage, &command).await, story);
}

#[tokio::test]
async fn the_events_of_a_command_name_who_made_each_step() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "restart-worker").await;
    on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "failed"})).await;
    let page = stage.get("/v1/events?type=dev.watchgate.command.*").send().await.json;
    let who = |event: &Value| event["event"]["authid"].as_str().unwrap().rsplit('#').next().unwrap().to_owned();
    let names: Vec<_> = page["events"].as_array().unwrap().iter().map(who).collect();
    assert_eq!(names, ["ana", "ana", "ben", SERVICE, SERVICE, SERVICE]);
}

#[tokio::test]
async fn a_result_without_a_heartbeat_begins_and_ends_the_command() {
    let stage = Stage::new();
    let (command, fence) = leased(&stage, "show-status").await;
    let done = on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "failed"})).await;
    assert_eq!(done.json["state"], "failed");
    assert_eq!(trail(&stage, &command).await, ["requested", "scheduled", "leased", "running", "failed"]);
}

#[tokio::test]
async fn everything_goes_on_after_a_restart() {
    let stage = Stage::new();
    let (under_way, fence) = running(&stage, "restart-worker").await;
    let pending = ask(&stage, "restart-worker").await;
    let stage = stage.restarted();
    let done = on(&stage, &under_way, "result", SERVICE, json!({"fence": fence, "outcome": "succeeded"})).await;
    assert_eq!(done.json["state"], "succeeded");
    assert_eq!(decide(&stage, &pending, "ben", "approve").await.json["state"], "scheduled");
    assert_eq!(try_lease(&stage, 0).await.json["command"]["id"], pending["id"]);
}

#[tokio::test]
async fn commands_are_listed_by_state_and_service_with_the_newest_first() {
    let stage = Stage::new();
    let (done, fence) = running(&stage, "show-status").await;
    on(&stage, &done, "result", SERVICE, json!({"fence": fence, "outcome": "succeeded"})).await;
    let scheduled = ask(&stage, "show-status").await;
    let pending = ask(&stage, "restart-worker").await;
    for (query, expected) in [
        ("", vec![&pending, &scheduled, &done]),
        ("?state=succeeded", vec![&done]),
        ("?state=pending&service=sample-service", vec![&pending]),
        ("?service=other", vec![]),
        ("?limit=2", vec![&pending, &scheduled]),
    ] {
        let page = stage.get(&format!("/v1/commands{query}")).send().await.json;
        let ids: Vec<_> = page["commands"].as_array().unwrap().iter().map(|command| &command["id"]).collect();
        assert_eq!(ids, expected.iter().map(|command| &command["id"]).collect::<Vec<_>>(), "{query}");
    }
    let page = stage.get("/v1/commands?limit=2").send().await.json;
    let rest = stage.get(&format!("/v1/commands?before={}", page["next_before"].as_str().unwrap())).send().await.json;
    assert_eq!(rest["commands"][0]["id"], done["id"]);
    assert_eq!(stage.get("/v1/commands?state=odd").send().await.wrong_fields(), ["query"]);
}
