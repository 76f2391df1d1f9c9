//! Nothing is lost and nothing is told twice, whoever ends when.

use std::collections::BTreeMap;

use super::*;
use crate::backbone::BackboneError;
use crate::insights::book::Interrupted;
use crate::insights::watching::LEASE;
use crate::insights::{begin, watch_for_ever};
use crate::replica_lease::{ReplicaLease, SILENCE};

#[tokio::test]
async fn a_replica_that_ends_before_it_tells_leaves_the_insight_to_the_next() {
    let stage = Stage::new();
    let watch = watch("atLeast: 2");
    let mut first = follower(&stage.state, &watch).await;
    send(&stage, [stuck(1, "mailer"), stuck(2, "mailer")]).await;
    look(&mut first).await;
    first.ask();
    drop(first);
    assert_eq!(said(&stage).await.len(), 0);
    let mut second = follower(&stage.state, &watch).await;
    send(&stage, [stuck(3, "mailer")]).await;
    catch_up(&mut second).await;
    let created = of_type(&said(&stage).await, "created");
    assert_eq!(created.len(), 1);
    assert_eq!(created[0]["count"], 3);
}

#[tokio::test]
async fn of_two_replicas_that_believe_to_watch_one_is_interrupted_and_nothing_is_counted_twice() {
    let stage = Stage::new();
    let watch = watch("");
    let (mut one, mut other) = (follower(&stage.state, &watch).await, follower(&stage.replica().state, &watch).await);
    send(&stage, [stuck(1, "mailer")]).await;
    look(&mut one).await;
    let interrupted = other.look().await;
    assert!(
        matches!(interrupted, Err(Interrupted::Store(BackboneError::Conflict { .. }))),
        "{:?}",
        interrupted.map(|_| ())
    );
    // It begins anew, and now the first one is too late with its word.
    let mut other = follower(&stage.replica().state, &watch).await;
    catch_up(&mut other).await;
    let late = one.ask_and_tell().await;
    assert!(matches!(late, Err(Interrupted::Store(BackboneError::Conflict { .. }))), "{late:?}");
    let said = said(&stage).await;
    assert_eq!(said.len(), 1);
    assert_eq!(said[0]["data"]["count"], 1);
}

#[tokio::test]
async fn whatever_ends_whenever_every_event_is_counted_once() {
    for seed in 1..=12_u64 {
        let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut throw = |sides: u64| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            dice % sides
        };
        let mut stage = Stage::new();
        let watch = watch("groupBy: ['data:/worker']\natLeast: 1\ncooldown: 5m\nbudget: {insightsPerHour: 1000}");
        let mut following = follower(&stage.state, &watch).await;
        let (mut sent, mut ends) = (BTreeMap::<String, u64>::new(), 0);
        for id in 0..150 {
            match throw(8) {
                0..=3 => {
                    let worker = format!("worker-{}", throw(4));
                    send(&stage, [stuck(id, &worker)]).await;
                    *sent.entry(worker).or_default() += 1;
                }
                4 => drop(following.look().await.unwrap()),
                5 => following.ask_and_tell().await.unwrap(),
                6 => {
                    stage.clock.advance(minutes(throw(4)));
                    let is_all_counted = !following.look().await.unwrap();
                    following.sweep(is_all_counted).await.unwrap();
                }
                _ => {
                    following.ask();
                    following.end().await;
                    ends += 1;
                    if throw(3) == 0 {
                        stage = stage.restarted();
                    }
                    following = follower(&stage.state, &watch).await;
                }
            }
        }
        catch_up(&mut following).await;
        stage.clock.advance(minutes(5));
        following.sweep(true).await.unwrap();
        let said = said(&stage).await;
        let (created, ended) = (of_type(&said, "created"), of_type(&said, "ended"));
        let mut counted = BTreeMap::<String, u64>::new();
        for data in &ended {
            let worker = data["key"]["data:/worker"].as_str().unwrap().to_owned();
            *counted.entry(worker).or_default() += data["count"].as_u64().unwrap();
        }
        assert_eq!(counted, sent, "seed {seed}");
        let ids = |all: &[Value]| {
            let mut ids: Vec<_> = all.iter().map(|data| data["insight"].as_str().unwrap().to_owned()).collect();
            ids.sort();
            ids
        };
        let mut distinct = ids(&created);
        distinct.dedup();
        assert_eq!(distinct.len(), created.len(), "seed {seed}: one was told twice");
        assert_eq!(ids(&created), ids(&ended), "seed {seed}");
        println!("seed {seed}: {} events, {} insights, {ends} ends", sent.values().sum::<u64>(), created.len());
    }
}

#[tokio::test]
async fn another_definition_counts_anew_and_insights_go_on() {
    let stage = Stage::new();
    let before = watch("groupBy: ['data:/worker']\natLeast: 2");
    let mut follower = follower(&stage.state, &before).await;
    send(&stage, [stuck(1, "mailer"), stuck(2, "mailer"), stuck(3, "thumbnailer")]).await;
    catch_up(&mut follower).await;
    let after = watch("groupBy: ['data:/worker']\natLeast: 2\nwindow: 6m");
    let mut follower = super::follower(&stage.state, &after).await;
    send(&stage, [stuck(4, "mailer"), stuck(5, "thumbnailer")]).await;
    catch_up(&mut follower).await;
    assert_eq!(of_type(&said(&stage).await, "created").len(), 1, "one of the thumbnailer by each definition");
    send(&stage, [stuck(6, "thumbnailer")]).await;
    catch_up(&mut follower).await;
    stage.clock.advance(minutes(30));
    follower.sweep(true).await.unwrap();
    let ended = of_type(&said(&stage).await, "ended");
    let mut counts: Vec<_> = ended.iter().map(|data| data["count"].as_u64().unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [2, 3]);
}

#[tokio::test]
async fn one_replica_holds_the_lease_until_it_is_silent_or_gives_it_back() {
    let stage = Stage::new();
    let lease = || ReplicaLease::new(Arc::clone(&stage.state.backbone), LEASE, stage.clock.clone());
    let (one, other, third) = (lease(), lease(), lease());
    assert!(one.hold().await.unwrap() && !other.hold().await.unwrap());
    for _ in 0..5 {
        stage.clock.advance(SILENCE - Duration::from_secs(1));
        assert!(one.hold().await.unwrap() && !other.hold().await.unwrap(), "it gives signs of life");
    }
    // A clock that is set makes nobody silent.
    stage.clock.step(time::Duration::days(1));
    assert!(!other.hold().await.unwrap());
    stage.clock.advance(SILENCE);
    assert!(other.hold().await.unwrap() && !one.hold().await.unwrap());
    assert!(!third.hold().await.unwrap());
    third.release().await.unwrap();
    assert!(other.hold().await.unwrap(), "only its holder gives it back");
    other.release().await.unwrap();
    assert!(third.hold().await.unwrap());
}

#[tokio::test]
async fn the_service_watches_by_itself_from_when_it_began_and_gives_the_lease_back() {
    let stage = Stage::new();
    let state = stage.state.clone().with_watches(Watches::of([Watch::clone(&watch(""))]));
    send(&stage, [stuck(1, "mailer")]).await;
    begin(&state).await.unwrap();
    // Before anybody watches, and after it has begun.
    send(&stage, [stuck(2, "mailer")]).await;
    let watching = tokio::spawn(watch_for_ever(state.clone()));
    let mut newest = state.backbone.newest_position();
    while said(&stage).await.is_empty() {
        tokio::time::timeout(Duration::from_secs(30), newest.changed()).await.unwrap().unwrap();
    }
    let evidence = said(&stage).await[0]["data"]["evidence"].clone();
    assert_eq!(evidence.as_array().unwrap().iter().map(|one| &one["id"]).collect::<Vec<_>>(), ["event-2"]);
    state.ending.send_replace(true);
    tokio::time::timeout(Duration::from_secs(30), watching).await.unwrap().unwrap();
    assert!(ReplicaLease::new(Arc::clone(&state.backbone), LEASE, stage.clock.clone()).hold().await.unwrap());
}
