//! Replicas of one log.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use assistant_service::backbone::jetstream::connect;
use assistant_service::backbone::retention::{Class, Limits, Retention};
use assistant_service::backbone::sqlite::SqliteBackbone;
use assistant_service::backbone::{Backbone, Batch, EventFilter, Freshness, Standing};
use assistant_service::clock::SystemClock;
use assistant_service::metrics::Metrics;
use programs::nats::{NatsOptions, NatsServer, Sync};

use crate::contract::{all, event, events, put, puts};
use crate::form::Form;

#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_answers_every_other_one_knows_at_once() {
    let first = Form::jetstream();
    let second = first.replica();
    let (one, other) = (first.join().await, second.join().await);
    for number in 0..50 {
        let key = number.to_string();
        one.commit(puts(vec![put(&key, Some(&key), None)])).await.unwrap();
        assert!(other.get("box", key.clone()).await.unwrap().is_some(), "{number}");
        other.commit(events(vec![event(&key, "t")])).await.unwrap();
        assert_eq!(one.query(all()).await.unwrap().events.len(), number + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_with_one_revision_one_wins_and_both_know_the_same() {
    let form = Form::jetstream();
    let second = form.replica();
    let (one, other) = (Arc::new(form.join().await), Arc::new(second.join().await));
    let mut revision = None;
    for round in 0..50 {
        let race = |store: Arc<_>, name: &str| {
            let batch = puts(vec![put("k", Some(&format!("{name}{round}")), revision)]);
            tokio::spawn(async move { Backbone::commit(&*store as &dyn Backbone, batch).await })
        };
        let (left, right) = (race(Arc::clone(&one) as Arc<_>, "l"), race(Arc::clone(&other) as Arc<_>, "r"));
        let (left, right) = (left.await.unwrap(), right.await.unwrap());
        assert!(left.is_ok() != right.is_ok(), "{left:?} {right:?}");
        let here = one.get("box", "k".to_owned()).await.unwrap().unwrap();
        assert_eq!(other.get("box", "k".to_owned()).await.unwrap().unwrap(), here);
        revision = Some(here.revision);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_replica_knows_the_same_as_one_that_was_there_from_the_beginning() {
    let form = Form::jetstream();
    let old = form.join().await;
    for number in 0..300 {
        let id = (number % 200).to_string();
        let mut batch = events(vec![event(&id, "t")]);
        batch.puts = puts(vec![put(&id, Some("v"), None)]).puts;
        // The last hundred conflict, and their events are not appended.
        assert_eq!(old.commit(batch).await.is_ok(), number < 200);
    }
    let second = form.replica();
    let fresh = second.join().await;
    assert_eq!(fresh.query(all()).await.unwrap(), old.query(all()).await.unwrap());
    assert_eq!(fresh.list("box", None, 500).await.unwrap(), old.list("box", None, 500).await.unwrap());
    assert_eq!(*fresh.newest_position().borrow(), *old.newest_position().borrow());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_replica_takes_more_from_the_log_than_it_has_in_hand_at_once() {
    let form = Form::jetstream();
    let old = form.join().await;
    let padding = "x".repeat(900_000);
    for number in 0..48 {
        let mut event = event(&number.to_string(), "t");
        event.json = event.json.replacen('{', &format!(r#"{{"data":"{padding}","#), 1);
        old.commit(events(vec![event])).await.unwrap();
    }
    let second = form.replica();
    let fresh = tokio::time::timeout(Duration::from_secs(60), second.join()).await.unwrap();
    assert_eq!(*fresh.newest_position().borrow(), *old.newest_position().borrow());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_another_log_is_made_anew_and_one_that_is_whole_is_gone_on_with() {
    let form = Form::jetstream();
    let store = form.join().await;
    store.commit(events(vec![event("a", "t")])).await.unwrap();
    drop(store);
    let other = Form::jetstream();
    other.join().await.commit(events(vec![event("b", "t"), event("c", "t")])).await.unwrap();
    let path = |form: &Form| form.folder().join("watchgate.sqlite");
    std::fs::copy(path(&form), path(&other)).unwrap();
    let again = other.join().await;
    let kept = again.query(all()).await.unwrap().events;
    assert!(kept.len() == 2 && kept.iter().all(|event| !event.json.contains(r#""id":"a""#)), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_cut_off_answers_nothing_stale_and_comes_back_by_itself() {
    let (form, server) = Form::on_own_server(&NatsOptions::default());
    let store = form.join().await;
    store.commit(events(vec![event("a", "t")])).await.unwrap();
    server.pause();
    let mut standing = store.standing();
    tokio::time::timeout(Duration::from_secs(10), standing.wait_for(|standing| *standing == Standing::Behind))
        .await
        .unwrap()
        .unwrap();
    assert!(store.get("box", "k".to_owned()).await.is_err());
    assert!(store.query(all()).await.is_err());
    let known = EventFilter { freshness: Freshness::Known, ..all() };
    assert_eq!(store.query(known).await.unwrap().events.len(), 1);
    server.resume();
    tokio::time::timeout(Duration::from_secs(10), standing.wait_for(|standing| *standing == Standing::Current))
        .await
        .unwrap()
        .unwrap();
    store.commit(events(vec![event("b", "t")])).await.unwrap();
    assert_eq!(store.query(all()).await.unwrap().events.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_outlives_a_kill_of_the_server() {
    let (form, server) = Form::on_own_server(&NatsOptions::default());
    let store = form.join().await;
    let mut answered = 0;
    for round in 0..3 {
        for number in 0..20 {
            store.commit(events(vec![event(&format!("{round}-{number}"), "t")])).await.unwrap();
            answered += 1;
        }
        server.kill();
        server.restart().unwrap();
        // Not an answer, and not lost either: it is offered until the server is back.
        store.commit(events(vec![event(&format!("{round}-during"), "t")])).await.unwrap();
        answered += 1;
        assert_eq!(store.query(all()).await.unwrap().events.len(), answered);
    }
    let second = form.replica();
    let fresh = second.join().await;
    assert_eq!(fresh.query(all()).await.unwrap().events.len(), answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_events_are_nowhere_else_is_not_thrown_away() {
    let form = Form::jetstream();
    let own = SqliteBackbone::open(
        &form.folder(),
        Retention::default(),
        Arc::new(SystemClock),
        Metrics::default().jobs_per_commit,
    );
    own.unwrap().commit(events(vec![event("a", "t")])).await.unwrap();
    let refused = form.try_join().await.err().unwrap();
    assert!(refused.to_string().contains("watchgate events migrate"), "{refused}");
}

/// The log as it is now, kept beside it.
fn keep(server: &NatsServer) -> tempfile::TempDir {
    let past = tempfile::tempdir().unwrap();
    server.stop();
    copy(server.data(), &past.path().join("data"));
    server.restart().unwrap();
    past
}

/// The server loses what came since, as one may that does not sync always, and is back before anybody asks for it.
fn lose(server: &NatsServer, past: &tempfile::TempDir) {
    server.kill();
    std::fs::remove_dir_all(server.data()).unwrap();
    copy(&past.path().join("data"), server.data());
    server.restart().unwrap();
}

fn copy(from: &Path, to: &Path) {
    assert!(std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

/// A replica at rest that knows two records, of which the log has lost the second.
async fn know_too_much(taken: u32) {
    let (form, server) = Form::on_own_server(&NatsOptions { sync: Sync::Default, ..NatsOptions::default() });
    let store = form.join().await;
    store.commit(events(vec![event("a", "t")])).await.unwrap();
    let past = keep(&server);
    store.commit(events(vec![event("lost", "t")])).await.unwrap();
    assert_eq!(store.query(all()).await.unwrap().events.len(), 2);
    lose(&server, &past);
    let second = form.replica();
    let other = second.join().await;
    for number in 0..taken {
        other.commit(events(vec![event(&number.to_string(), "t")])).await.unwrap();
    }
    let why = tokio::time::timeout(Duration::from_secs(20), store.failed()).await.unwrap();
    assert!(why.contains("applied here"), "{why}");
    assert!(store.query(all()).await.is_err());
    drop(store);
    let again = form.join().await;
    assert_eq!(again.query(all()).await.unwrap(), other.query(all()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_at_rest_ends_when_the_log_has_lost_its_end() {
    know_too_much(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_at_rest_ends_when_something_else_has_taken_the_lost_place() {
    know_too_much(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_at_rest_ends_when_the_log_has_grown_beyond_the_lost_place() {
    know_too_much(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_lets_go_is_gone_at_all_of_them_and_at_the_servers() {
    let limits = Limits { max_age: Some(Duration::from_millis(500)), max_bytes: None };
    let class = Class { name: "short".to_owned(), types: vec!["short.*".to_owned()], limits };
    let retention = Retention { classes: vec![class], rest: Limits::default() };
    let form = Form::jetstream();
    let (second, third) = (form.replica(), form.replica());
    let one = form.join_with(retention.clone()).await.unwrap();
    let other = second.join_with(retention.clone()).await.unwrap();
    for number in 0..20 {
        let event_type = if number % 2 == 0 { "short.lived" } else { "long.lived" };
        one.commit(events(vec![event(&number.to_string(), event_type)])).await.unwrap();
    }
    let log = connect(&form.stream().connection).await.unwrap().jetstream;
    let records = async || log.get_stream(&form.stream().stream).await.unwrap().cached_info().state.messages;
    assert_eq!(records().await, 20);
    tokio::time::sleep(Duration::from_millis(700)).await;
    one.let_go().await.unwrap();
    let kept = one.query(all()).await.unwrap();
    assert_eq!(kept.events.len(), 10);
    assert!(kept.events.iter().all(|event| event.json.contains("long.lived")));
    assert_eq!(other.query(all()).await.unwrap(), kept);
    // Ten long ones, the one in which the floor lies, and the one that says where it lies.
    assert_eq!(records().await, 12);
    let fresh = third.join_with(retention).await.unwrap();
    assert_eq!(fresh.query(all()).await.unwrap(), kept);
    // An identity that was let go is free again, everywhere.
    let again = other.commit(events(vec![event("0", "short.lived"), event("1", "long.lived")])).await.unwrap().events;
    assert!(!again[0].is_duplicate && again[1].is_duplicate);
    assert_eq!(fresh.query(all()).await.unwrap(), one.query(all()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_let_go_begins_with_a_snapshot_of_all_entries() {
    let limits = Limits { max_age: Some(Duration::from_millis(300)), max_bytes: None };
    let retention = Retention { classes: Vec::new(), rest: limits };
    let form = Form::jetstream();
    let (second, third, late) = (form.replica(), form.replica(), form.replica());
    let one = form.join_with(retention.clone()).await.unwrap();
    late.join_with(retention.clone()).await.unwrap();
    // The late one has gone: it knows nothing of what follows.
    for number in 0..40 {
        let key = (number % 10).to_string();
        let revision = one.get("box", key.clone()).await.unwrap().map(|entry| entry.revision);
        let value = (number % 7 != 0).then(|| number.to_string());
        let batch =
            Batch { events: vec![event(&number.to_string(), "t")], puts: vec![put(&key, value.as_deref(), revision)] };
        // A removal of what is not there is a conflict, and stays one.
        let _ = one.commit(batch).await;
    }
    one.shorten(10).await.unwrap();
    // Between the snapshot and its use the entries go on.
    let revision = one.get("box", "3".to_owned()).await.unwrap().unwrap().revision;
    one.commit(puts(vec![put("3", Some("later"), Some(revision)), put("new", Some("new"), None)])).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    one.let_go().await.unwrap();
    let log = connect(&form.stream().connection).await.unwrap().jetstream;
    let records = async || log.get_stream(&form.stream().stream).await.unwrap().cached_info().state.messages;
    let before = records().await;
    let begun = std::time::Instant::now();
    while records().await >= before {
        assert!(begun.elapsed() < Duration::from_secs(10), "{before} records, and none goes");
        one.shorten(u64::MAX).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(records().await < 10, "{} records", records().await);

    for form in [&second, &third, &late] {
        let fresh = form.join_with(retention.clone()).await.unwrap();
        assert_eq!(fresh.list("box", None, 99).await.unwrap(), one.list("box", None, 99).await.unwrap());
        assert_eq!(fresh.query(all()).await.unwrap(), one.query(all()).await.unwrap());
        // What comes from here on comes out alike, whether it holds or not.
        let entry = fresh.get("box", "3".to_owned()).await.unwrap().unwrap();
        one.commit(puts(vec![put("3", Some("again"), Some(entry.revision))])).await.unwrap();
        let stale = Batch { events: vec![event("stale", "t")], puts: vec![put("3", Some("x"), Some(entry.revision))] };
        assert!(fresh.commit(stale).await.is_err());
        assert_eq!(fresh.list("box", None, 99).await.unwrap(), one.list("box", None, 99).await.unwrap());
        assert_eq!(fresh.query(all()).await.unwrap(), one.query(all()).await.unwrap());
    }
}
