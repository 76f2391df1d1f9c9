//! Deciding about a command, in time, and calling it off.

use super::*;

#[tokio::test]
async fn only_somebody_else_decides_about_exactly_this_command_and_only_once() {
    let stage = Stage::new();
    let command = ask(&stage, "restart-worker").await;
    assert_eq!(decide(&stage, &command, "ana", "approve").await.status, StatusCode::FORBIDDEN);
    let mut other = command.clone();
    other["digest"] = json!("0".repeat(64));
    assert_eq!(decide(&stage, &other, "ben", "approve").await.status, StatusCode::CONFLICT);
    assert_eq!(state_of(&stage, &command).await, "pending");
    // The same name from another issuer is another person.
    let target = format!("/v1/commands/{}/approval", command["id"].as_str().unwrap());
    let rejection = stage.post(&target, &json!({"decision": "reject", "digest": command["digest"]})).by("ana");
    let rejection = rejection.claiming(|claims| claims.rctx.iss = Some("https://other.example".to_owned()));
    assert_eq!(rejection.send().await.json["state"], "rejected");
    assert_eq!(decide(&stage, &command, "ben", "approve").await.status, StatusCode::CONFLICT);
    assert_eq!(state_of(&stage, &command).await, "rejected");
}

#[tokio::test]
async fn of_two_decisions_at_once_one_counts() {
    let stage = Stage::new();
    let command = ask(&stage, "restart-worker").await;
    let (one, other) =
        tokio::join!(decide(&stage, &command, "ben", "approve"), decide(&stage, &command, "eva", "reject"));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(trail(&stage, &command).await.len(), 3);
}

#[tokio::test]
async fn an_approval_that_nobody_gives_within_an_hour_is_not_waited_for() {
    let stage = Stage::new();
    let command = ask(&stage, "restart-worker").await;
    stage.clock.advance(Duration::from_secs(3599));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "pending");
    stage.clock.advance(Duration::from_secs(1));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "expired");
    assert_eq!(expiry(&stage, &command).await, "nobody_decided");
    assert_eq!(decide(&stage, &command, "ben", "approve").await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn what_has_not_begun_can_be_called_off_and_nothing_else() {
    let stage = Stage::new();
    let pending = ask(&stage, "restart-worker").await;
    let scheduled = ask(&stage, "show-status").await;
    for command in [&pending, &scheduled] {
        assert_eq!(on(&stage, command, "cancel", "ben", json!({})).await.json["state"], "canceled");
        assert_eq!(on(&stage, command, "cancel", "ben", json!({})).await.status, StatusCode::CONFLICT);
    }
    let (held, fence) = leased(&stage, "show-status").await;
    assert_eq!(on(&stage, &held, "cancel", "ben", json!({})).await.json["state"], "canceled");
    let late = on(&stage, &held, "heartbeat", SERVICE, json!({"fence": fence})).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let (begun, _) = running(&stage, "show-status").await;
    on(&stage, &begun, "result", SERVICE, json!({"fence": 1, "outcome": "succeeded"})).await;
    assert_eq!(on(&stage, &begun, "cancel", "ben", json!({})).await.status, StatusCode::CONFLICT);
    assert_eq!(decide(&stage, &begun, "ben", "approve").await.status, StatusCode::CONFLICT);
}
