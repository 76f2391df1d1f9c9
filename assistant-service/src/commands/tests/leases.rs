//! Who gets a command, and how long anybody waits for one.

use super::*;
use crate::commands::lease::LOOK_EVERY;

#[tokio::test]
async fn a_lease_that_is_lost_before_the_start_is_given_again_and_the_old_one_does_not_count() {
    let stage = Stage::new();
    let (command, old) = leased(&stage, "show-status").await;
    stage.clock.advance(Duration::from_secs(29));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "leased");
    stage.clock.advance(Duration::from_secs(1));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "scheduled");

    let again = try_lease(&stage, 0).await.json;
    assert_eq!((&again["command"]["id"], &again["fence"]), (&command["id"], &json!(2)));
    let late = on(&stage, &command, "result", SERVICE, json!({"fence": old, "outcome": "succeeded"})).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert_eq!(
        trail(&stage, &command).await,
        ["requested", "scheduled", "leased", "scheduled", "leased", "late_result"]
    );
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_gets_the_command() {
    let stage = Stage::new();
    ask(&stage, "show-status").await;
    let answers = futures_util::future::join_all((0..16).map(|_| try_lease(&stage, 0))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::NO_CONTENT).count(), 15);
}

#[tokio::test]
async fn commands_are_leased_in_the_order_they_were_asked_for() {
    let stage = Stage::new();
    let (first, second) = (ask(&stage, "show-status").await, ask(&stage, "show-status").await);
    for command in [first, second] {
        assert_eq!(try_lease(&stage, 0).await.json["command"]["id"], command["id"]);
    }
}

#[tokio::test]
async fn a_waiting_service_is_woken_when_its_command_is_scheduled() {
    let stage = Stage::new();
    let started = std::time::Instant::now();
    let (answer, command) = tokio::join!(try_lease(&stage, 30), ask(&stage, "show-status"));
    assert_eq!(answer.json["command"]["id"], command["id"]);
    assert!(started.elapsed() < LOOK_EVERY, "it was found by looking, not by being told");
}

#[tokio::test]
async fn a_waiting_service_is_sent_away_when_the_service_ends() {
    let stage = Stage::new();
    let end = async { stage.state.ending.send_replace(true) };
    let (answer, _) = tokio::join!(try_lease(&stage, 30), end);
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_command_longer_than_the_own_token_holds() {
    let stage = Stage::new();
    let started = tokio::time::Instant::now();
    let request = stage.post(LEASE, &json!({"wait_seconds": 30})).by(SERVICE);
    let answer = request.claiming(|claims| claims.rctx.exp = Some(claims.iat + 7)).send().await;
    assert_eq!((answer.status, started.elapsed().as_secs()), (StatusCode::NO_CONTENT, 7));
}
