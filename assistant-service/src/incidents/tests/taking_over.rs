//! One replica goes on where another one was: that one changes nothing any more, and whoever is interrupted again and again gets on.

use std::sync::Arc;

use diagnosis::engine::Change;
use diagnosis::incident::{Incident, IncidentState};

use super::between::Between;
use super::*;
use crate::backbone::BackboneError;
use crate::incidents::hearing::{Changed, Outcome};
use crate::incidents::interrupted::Interrupted;

fn is_conflict<T>(done: &Result<T, Interrupted>) -> bool {
    matches!(done, Err(Interrupted::Store(BackboneError::Conflict { .. })))
}

#[tokio::test]
async fn whoever_had_the_lease_changes_nothing_as_soon_as_another_replica_goes_on() {
    let stage = Stage::new();
    let start = millis(stage.clock.now());
    send_second(&stage, start, 0).await;
    let old_lease = lease(&stage).await;
    let mut old = Follower::open(stage.state.clone(), &old_lease).await.unwrap();
    for number in 1..IS_WELL_AGAIN {
        send_second(&stage, start, number).await;
        // It has judged all that there is, and is about to tell of it.
        if number < GOES_BAD {
            look_and_tick(&mut old).await;
        }
    }
    let replica = stage.replica();
    let mut new = follower(&replica).await;
    // Nothing was told by the new one so far, and the old one is late all the same.
    let mut interrupted = Ok(true);
    while matches!(interrupted, Ok(true)) {
        interrupted = old.look().await;
    }
    let interrupted = interrupted.and(old.say(What::Tick).await);
    let interrupted = interrupted.and(old.write(Vec::new(), Vec::new()).await);
    assert!(is_conflict(&interrupted), "{interrupted:?}");
    assert!(said(&stage).await.is_empty());
    // Nor does it go on by beginning anew, or touch what the new one needs with a checkpoint.
    let again = Follower::open(stage.state.clone(), &old_lease).await;
    assert!(is_conflict(&again));
    old.begin_checkpoint().await.unwrap();
    assert!(is_conflict(&old.write_some().await));
    look_and_tick(&mut new).await;
    assert_eq!(of_type(&said(&stage).await, "opened").len(), 1);
}

#[tokio::test]
async fn a_sign_of_life_that_meets_a_proof_of_ones_own_keeps_the_lease_and_one_that_meets_another_replica_does_not() {
    let stage = Stage::new();
    let between = Arc::new(Between::new(&stage));
    let held = lease(&stage.replica_over(between.clone())).await;
    let proof = held.proof().await.unwrap();
    between.change_before_the_next(proof.clone());
    assert!(held.hold().await.unwrap());
    let anothers = Put { value: Some(br#"{"holder":"another"}"#.to_vec()), ..held.proof().await.unwrap() };
    between.change_before_the_next(anothers);
    assert!(!held.hold().await.unwrap());
    assert!(held.proof().await.is_err());
    // What was a proof before is none any more.
    let late = stage.state.backbone.commit(backbone::Batch { events: Vec::new(), puts: vec![proof] }).await;
    assert!(matches!(late, Err(BackboneError::Conflict { .. })));
}

#[tokio::test]
async fn whoever_is_interrupted_more_often_than_there_are_checkpoints_writes_one_nevertheless() {
    let stage = Stage::new();
    let start = millis(stage.clock.now());
    send_second(&stage, start, 0).await;
    let mut checkpoints = Vec::new();
    for interruption in 0..5 {
        let mut following = follower(&stage).await;
        for number in 1..20 {
            send_second(&stage, start, interruption * 20 + number).await;
            look_and_tick(&mut following).await;
            following.checkpoint_if_due().await.unwrap();
            following.write_some().await.unwrap();
        }
        checkpoints.push(following.place.place.checkpoint.number);
        // What is kept of the clock's words is since then.
        assert!(following.place.place.said.len() <= 20 + 19, "{}", following.place.place.said.len());
    }
    assert_eq!(checkpoints, [2, 3, 4, 5, 6]);
}

/// An incident as the engine could tell of it.
pub(super) fn incident(number: u64) -> Incident {
    Incident {
        incident: format!("{number:032x}"),
        state: IncidentState::Open,
        title: "FrameTime up on console-1".to_owned(),
        began_at: 1,
        opened_at: 2,
        resolved_at: None,
        merged_into: None,
        moved: Vec::new(),
        moved_in_all: 0,
        devices: vec!["console-1".to_owned()],
        devices_in_all: 1,
        shared: Vec::new(),
        similar: Vec::new(),
    }
}

#[tokio::test]
async fn wherever_somebody_is_killed_who_begins_anew_all_that_nobody_can_follow_is_over_once() {
    const OPEN: u64 = 300;
    let stage = Stage::new();
    send_second(&stage, millis(stage.clock.now()), 0).await;
    let mut following = follower(&stage).await;
    // There is a book that knows of none of them, and another program has written it.
    let opened = (0..OPEN).map(|number| Change::Opened(incident(number)));
    for some in opened.collect::<Vec<_>>().chunks(50) {
        let changed = vec![Changed { at: following.place.place.cursor, heard: 0, changes: some.to_vec() }];
        following.tell(Outcome { changed, ..Outcome::default() }).await.unwrap();
    }
    drop(following);
    for entry in stage.state.backbone.list("incidents.book", None, 100).await.unwrap() {
        let value = Some([&entry.value[..12], b"another form"].concat());
        let expected_revision = Some(entry.revision);
        let put = Put { bucket: "incidents.book", key: entry.key, value, expected_revision, expires_at: None };
        stage.state.backbone.commit(backbone::Batch { events: Vec::new(), puts: vec![put] }).await.unwrap();
    }
    // One is killed after each number of commits that beginning anew takes; the last one is not.
    let mut is_begun = false;
    let mut kills = 0;
    while !is_begun {
        let killed = stage.replica_over(Arc::new(Between::ending_after(kills % 7, &stage)));
        let lease = lease(&stage).await;
        is_begun = Follower::open(killed.state.clone(), &lease).await.is_ok();
        kills += 1;
    }
    follower(&stage).await;
    assert!(kills > 5, "{kills}");
    let said = said(&stage).await;
    assert_eq!(of_type(&said, "resolved").len(), 300);
    let open = stage.get("/v1/incidents?state=open").send().await;
    assert_eq!((&open.json["incidents"], &open.json["next_before"]), (&json!([]), &Value::Null));
}
