//! From the store of one machine to a log that replicas share.

use std::sync::Arc;

use assistant_service::backbone::jetstream::{CannotJoin, CannotMove, CannotOpenStream, Moved, connect, migrate};
use assistant_service::backbone::retention::Retention;
use assistant_service::backbone::sqlite::SqliteBackbone;
use assistant_service::backbone::{Appended, Backbone, Batch};
use assistant_service::clock::SystemClock;
use assistant_service::metrics::Metrics;
use async_nats::jetstream::stream::Config;

use crate::contract::{all, event, events, put, puts};
use crate::form::Form;

fn open(form: &Form) -> SqliteBackbone {
    let (retention, clock) = (Retention::default(), Arc::new(SystemClock));
    SqliteBackbone::open(&form.folder(), retention, clock, Metrics::default().jobs_per_commit).unwrap()
}

/// A store with some events, of which some are large, and entries that were changed and removed.
async fn fill(store: &SqliteBackbone) {
    for round in 0..30 {
        let batch: Vec<_> = (0..20).map(|number| event(&format!("{round}-{number}"), "t")).collect();
        let batch = Batch { events: batch, puts: puts(vec![put(&round.to_string(), Some("v"), None)]).puts };
        let revision = store.commit(batch).await.unwrap().revisions[0];
        match round % 3 {
            0 => drop(store.commit(puts(vec![put(&round.to_string(), None, Some(revision))])).await.unwrap()),
            1 => drop(store.commit(puts(vec![put(&round.to_string(), Some("w"), Some(revision))])).await.unwrap()),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_moved_with_every_position_and_revision() {
    let (here, there) = (Form::jetstream(), Form::jetstream());
    let store = open(&here);
    fill(&store).await;
    let (kept, entries) = (store.query(all()).await.unwrap(), store.list("box", None, 99).await.unwrap());
    let (position, revision) = (*store.newest_position().borrow(), *store.newest_revision().borrow());
    drop(store);
    let mut told = Moved::default();
    let moved = migrate(&here.folder(), &there.stream(), |so_far, all| {
        assert!(so_far.events >= told.events && all == 600);
        told = so_far;
    })
    .await;
    assert_eq!(moved.unwrap(), Moved { events: 600, entries: 20 });
    assert_eq!(told, Moved { events: 600, entries: 20 });

    let replica = there.join().await;
    assert_eq!(replica.query(all()).await.unwrap(), kept);
    assert_eq!(replica.list("box", None, 99).await.unwrap(), entries);
    // An identity that was given there is known here, and what is new comes after all that is old.
    let again = replica.commit(events(vec![event("0-0", "t"), event("new", "t")])).await.unwrap().events;
    assert_eq!(again[0], Appended { position: kept.events[0].position, is_duplicate: true });
    assert!(again[1].position > position && !again[1].is_duplicate);
    let changed = put("29", Some("x"), Some(entries.iter().find(|entry| entry.key == "29").unwrap().revision));
    assert!(replica.commit(puts(vec![changed])).await.unwrap().revisions[0] > revision);
    let second = there.replica();
    let fresh = second.join().await;
    assert_eq!(fresh.query(all()).await.unwrap(), replica.query(all()).await.unwrap());
    assert_eq!(fresh.list("box", None, 99).await.unwrap(), replica.list("box", None, 99).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_joins_a_log_before_all_has_arrived_and_a_second_try_begins_anew() {
    let (here, there) = (Form::jetstream(), Form::jetstream());
    let store = open(&here);
    fill(&store).await;
    let kept = store.query(all()).await.unwrap();
    drop(store);
    // As a try that was cut off leaves it.
    let stream = there.stream();
    let nats = connect(&stream.connection).await.unwrap().jetstream;
    let subject = format!("{}.log.carried", stream.stream.to_lowercase());
    let half = Config {
        name: stream.stream.clone(),
        subjects: vec![format!("{}.log.>", stream.stream.to_lowercase())],
        discard: async_nats::jetstream::stream::DiscardPolicy::New,
        metadata: [("watchgate-moving".to_owned(), "true".to_owned())].into(),
        ..Config::default()
    };
    nats.create_stream(half).await.unwrap();
    nats.publish(subject, "half".into()).await.unwrap().await.unwrap();
    let refused = there.try_join().await.err().unwrap();
    assert!(matches!(refused, CannotJoin::Stream(CannotOpenStream::Moving(_))), "{refused}");
    migrate(&here.folder(), &stream, |_, _| {}).await.unwrap();
    assert_eq!(there.join().await.query(all()).await.unwrap(), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_moved_into_a_log_that_others_use_nor_out_of_a_copy() {
    let (here, there) = (Form::jetstream(), Form::jetstream());
    fill(&open(&here)).await;
    let replica = there.join().await;
    replica.commit(events(vec![event("a", "t")])).await.unwrap();
    let refused = migrate(&here.folder(), &there.stream(), |_, _| {}).await.unwrap_err();
    assert!(matches!(refused, CannotMove::InUse(_)), "{refused}");
    assert_eq!(replica.query(all()).await.unwrap().events.len(), 1);
    drop(replica);
    let elsewhere = Form::jetstream();
    let refused = migrate(&there.folder(), &elsewhere.stream(), |_, _| {}).await.unwrap_err();
    assert!(refused.to_string().contains("copy of a log"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_replica_is_a_store_that_can_be_moved_into_another_log() {
    let (here, restored, there) = (Form::jetstream(), Form::jetstream(), Form::jetstream());
    let replica = here.join().await;
    for number in 0..30 {
        let id = number.to_string();
        let batch = Batch { events: vec![event(&id, "t")], puts: puts(vec![put(&id, Some("v"), None)]).puts };
        replica.commit(batch).await.unwrap();
    }
    let backup = restored.folder().join("watchgate.sqlite");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_watchgate"))
        .args(["events", "backup", "--data-dir"])
        .arg(here.folder())
        .arg("--to")
        .arg(&backup)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (kept, entries) = (replica.query(all()).await.unwrap(), replica.list("box", None, 99).await.unwrap());
    migrate(&restored.folder(), &there.stream(), |_, _| {}).await.unwrap();
    let moved = there.join().await;
    assert_eq!(moved.query(all()).await.unwrap(), kept);
    assert_eq!(moved.list("box", None, 99).await.unwrap(), entries);
    drop(moved);
    let served = open(&restored);
    assert_eq!(served.query(all()).await.unwrap(), kept);
}
