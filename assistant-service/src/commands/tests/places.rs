//! No more of a runbook are carried out at once than it says, and whoever waits is told when a place is free.

use super::books::*;
use super::*;
use crate::backbone::{Batch, Put};

const OTHER: &str = "other-service";

async fn places(stage: &Stage) -> Vec<String> {
    let entries = stage.state.backbone.list("commands.places", None, 9).await.unwrap();
    entries.into_iter().map(|entry| entry.key).collect()
}

async fn end(stage: &Stage, lease: &Value, service: &str) {
    let report = json!({"fence": lease["fence"], "outcome": "succeeded"});
    assert_eq!(on(stage, &lease["command"], "result", service, report).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_next_command_of_a_full_runbook_waits_while_others_pass_it() {
    let stage = stage([runbook("one", at_once(Some(1), None)), runbook("free", |_| {})]);
    let (first, second) = (ask_for(&stage, "one", SERVICE).await, ask_for(&stage, "one", OTHER).await);
    let third = ask_for(&stage, "one", SERVICE).await;
    let free = ask_for(&stage, "free", SERVICE).await;
    let lease = lease_of(&stage, SERVICE, 0).await.json;
    assert_eq!(lease["command"]["id"], first["id"]);
    assert_eq!(lease_of(&stage, OTHER, 0).await.status, StatusCode::NO_CONTENT);
    assert_eq!(lease_of(&stage, SERVICE, 0).await.json["command"]["id"], free["id"]);
    assert_eq!(lease_of(&stage, SERVICE, 0).await.status, StatusCode::NO_CONTENT);
    assert_eq!(places(&stage).await, ["one"]);
    end(&stage, &lease, SERVICE).await;
    assert_eq!(places(&stage).await, [""; 0]);
    let lease = lease_of(&stage, OTHER, 0).await.json;
    assert_eq!(lease["command"]["id"], second["id"]);
    assert_eq!(lease_of(&stage, SERVICE, 0).await.status, StatusCode::NO_CONTENT);
    end(&stage, &lease, OTHER).await;
    assert_eq!(lease_of(&stage, SERVICE, 0).await.json["command"]["id"], third["id"]);
}

#[tokio::test]
async fn a_bound_for_each_target_is_counted_for_each_by_itself() {
    let stage = stage([runbook("one", at_once(Some(3), Some(1)))]);
    for service in [SERVICE, OTHER] {
        ask_for(&stage, "one", service).await;
        ask_for(&stage, "one", service).await;
        assert_eq!(lease_of(&stage, service, 0).await.status, StatusCode::OK);
        assert_eq!(lease_of(&stage, service, 0).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(places(&stage).await, ["one/sample-service", "one/other-service", "one"]);
}

#[tokio::test]
async fn a_lease_that_is_lost_and_a_command_that_is_called_off_give_their_places_back() {
    let stage = stage([runbook("one", at_once(Some(1), None))]);
    let first = ask_for(&stage, "one", SERVICE).await;
    assert_eq!(lease_of(&stage, SERVICE, 0).await.json["fence"], 1);
    stage.state.commands.sweep().await.unwrap();
    stage.clock.advance(Duration::from_secs(30));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(places(&stage).await, [""; 0]);
    assert_eq!(lease_of(&stage, SERVICE, 0).await.json["fence"], 2);
    assert_eq!(places(&stage).await, ["one"]);
    on(&stage, &first, "cancel", "ben", json!({})).await;
    assert_eq!((state_of(&stage, &first).await, places(&stage).await), ("canceled".into(), vec![]));
}

#[tokio::test]
async fn an_attempt_that_failed_gives_its_place_back_while_it_waits_for_the_next() {
    let change = |runbook: &mut crate::runbooks::Runbook| {
        tried_again(1, 60.0)(runbook);
        at_once(Some(1), None)(runbook);
    };
    let stage = stage([runbook("one", change)]);
    ask_for(&stage, "one", SERVICE).await;
    let second = ask_for(&stage, "one", SERVICE).await;
    let lease = lease_of(&stage, SERVICE, 0).await.json;
    on(&stage, &lease["command"], "result", SERVICE, json!({"fence": 1, "outcome": "failed"})).await;
    assert_eq!(lease_of(&stage, SERVICE, 0).await.json["command"]["id"], second["id"]);
}

#[tokio::test]
async fn whoever_waits_is_told_when_a_place_is_free_here_or_at_another_replica() {
    let stage = stage([runbook("one", at_once(Some(1), None))]);
    let far = stage.replica();
    let commands = std::sync::Arc::clone(&far.state.commands);
    let announcing = tokio::spawn(async move { commands.announce_for_ever().await });
    for waits_at in [&stage, &far] {
        ask_for(&stage, "one", SERVICE).await;
        let second = ask_for(&stage, "one", OTHER).await;
        let lease = lease_of(&stage, SERVICE, 0).await.json;
        let started = std::time::Instant::now();
        let ending = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            end(&stage, &lease, SERVICE).await;
        };
        let (given, ()) = tokio::join!(lease_of(waits_at, OTHER, 30), ending);
        assert_eq!(given.json["command"]["id"], second["id"]);
        assert!(started.elapsed() < crate::commands::lease::LOOK_EVERY, "it was found by looking, not by being told");
        end(&stage, &given.json, OTHER).await;
    }
    announcing.abort();
}

#[tokio::test]
async fn two_replicas_do_not_both_give_the_last_place_away() {
    let stage = stage([runbook("two", at_once(Some(2), None))]);
    let far = stage.replica();
    for _ in 0..5 {
        for _ in 0..8 {
            ask_for(&stage, "two", SERVICE).await;
        }
        let polls = (0..16).map(|at| lease_of(if at % 2 == 0 { &stage } else { &far }, SERVICE, 0));
        let answers = futures_util::future::join_all(polls).await;
        assert!(answers.iter().all(|answer| [200, 204].contains(&answer.status.as_u16())), "{answers:?}");
        let held: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
        assert!((1..=2).contains(&held.len()), "{}", held.len());
        for lease in held {
            end(&far, &lease.json, SERVICE).await;
        }
        while let Answer { status: StatusCode::OK, json, .. } = lease_of(&stage, SERVICE, 0).await {
            end(&stage, &json, SERVICE).await;
        }
    }
}

#[tokio::test]
async fn a_place_that_no_command_holds_is_taken_back() {
    let stage = stage([runbook("one", at_once(Some(1), None))]);
    let value = Some(json!({"commands": ["019ca000-0000-7000-8000-000000000000"]}).to_string().into_bytes());
    let put =
        Put { bucket: "commands.places", key: "one".to_owned(), value, expected_revision: None, expires_at: None };
    stage.state.backbone.commit(Batch { events: Vec::new(), puts: vec![put] }).await.unwrap();
    let command = ask_for(&stage, "one", SERVICE).await;
    assert_eq!(lease_of(&stage, SERVICE, 0).await.status, StatusCode::NO_CONTENT);
    stage.state.commands.sweep().await.unwrap();
    stage.clock.advance(Duration::from_secs(30));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(lease_of(&stage, SERVICE, 0).await.json["command"]["id"], command["id"]);
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(places(&stage).await, ["one"]);
}

#[tokio::test]
async fn the_place_of_a_command_whose_holder_fell_silent_is_kept_for_as_long_as_it_may_be_at_work() {
    let change = |runbook: &mut crate::runbooks::Runbook| {
        tried_again(1, 0.0)(runbook);
        at_once(Some(1), None)(runbook);
    };
    let stage = stage([runbook("once", at_once(Some(1), None)), runbook("again", change)]);
    for (name, state) in [("once", "abandoned"), ("again", "scheduled")] {
        let first = ask_for(&stage, name, SERVICE).await;
        let second = ask_for(&stage, name, OTHER).await;
        let lease = lease_of(&stage, SERVICE, 0).await.json;
        let beat = json!({"fence": lease["fence"]});
        assert_eq!(on(&stage, &first, "heartbeat", SERVICE, beat).await.status, StatusCode::OK);
        stage.clock.advance(Duration::from_secs(30));
        stage.state.commands.sweep().await.unwrap();
        assert_eq!(state_of(&stage, &first).await, state);
        for wait in [0, 29] {
            stage.clock.advance(Duration::from_secs(wait));
            stage.state.commands.sweep().await.unwrap();
            assert_eq!(lease_of(&stage, OTHER, 0).await.status, StatusCode::NO_CONTENT, "{name} {wait}");
        }
        stage.clock.advance(Duration::from_secs(1));
        stage.state.commands.sweep().await.unwrap();
        let given = lease_of(&stage, OTHER, 0).await.json;
        assert_eq!(given["command"]["id"], second["id"], "{name}");
        end(&stage, &given, OTHER).await;
    }
}

#[tokio::test]
async fn the_next_attempt_has_the_place_that_its_command_still_has_and_the_sweep_does_not_take_it() {
    let change = |runbook: &mut crate::runbooks::Runbook| {
        tried_again(1, 0.0)(runbook);
        at_once(Some(1), None)(runbook);
    };
    let stage = stage([runbook("again", change)]);
    let first = ask_for(&stage, "again", SERVICE).await;
    let lease = lease_of(&stage, SERVICE, 0).await.json;
    on(&stage, &first, "heartbeat", SERVICE, json!({"fence": lease["fence"]})).await;
    stage.clock.advance(Duration::from_secs(30));
    stage.state.commands.sweep().await.unwrap();
    stage.clock.advance(Duration::from_secs(30));
    assert_eq!(lease_of(&stage, SERVICE, 0).await.json["fence"], 2);
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(places(&stage).await, ["again"]);
}

#[tokio::test]
async fn a_place_that_cannot_be_read_keeps_no_command_from_its_end() {
    let stage = stage([runbook("one", at_once(Some(1), None)), runbook("free", |_| {})]);
    let commands = [ask_for(&stage, "one", SERVICE).await, ask_for(&stage, "free", SERVICE).await];
    for command in &commands {
        let lease = lease_of(&stage, SERVICE, 0).await.json;
        assert_eq!(lease["command"]["id"], command["id"]);
        on(&stage, command, "heartbeat", SERVICE, json!({"fence": lease["fence"]})).await;
    }
    let entry = stage.state.backbone.get("commands.places", "one".to_owned()).await.unwrap().unwrap();
    let (value, expected_revision) = (Some(b"garbage".to_vec()), Some(entry.revision));
    let put = Put { bucket: "commands.places", key: "one".to_owned(), value, expected_revision, expires_at: None };
    stage.state.backbone.commit(Batch { events: Vec::new(), puts: vec![put] }).await.unwrap();
    let next = ask_for(&stage, "one", SERVICE).await;
    stage.clock.advance(Duration::from_secs(30));
    stage.state.commands.sweep().await.unwrap();
    for command in &commands {
        assert_eq!(state_of(&stage, command).await, "abandoned");
    }
    // And nobody knows whether there is room for another.
    assert_eq!(lease_of(&stage, SERVICE, 0).await.status, StatusCode::NO_CONTENT);
    assert_eq!(state_of(&stage, &next).await, "scheduled");
}
