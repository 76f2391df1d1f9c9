//! Histories in which replicas could come to know different things: each ends with one that was there and one that begins anew.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use assistant_service::backbone::jetstream::{JetStreamBackbone, connect, migrate};
use assistant_service::backbone::retention::{Class, Limits, Retention};
use assistant_service::backbone::sqlite::SqliteBackbone;
use assistant_service::backbone::{Backbone, EventFilter, Standing, TypeFilter};
use assistant_service::clock::SystemClock;
use assistant_service::metrics::Metrics;
use programs::nats::NatsOptions;

use crate::contract::{all, event, events, put, puts};
use crate::form::Form;

const SHORT: Duration = Duration::from_millis(500);

/// Types below `short` are kept for half a second, all others for ever.
fn short() -> Retention {
    let limits = Limits { max_age: Some(SHORT), max_bytes: None };
    let class = Class { name: "short".to_owned(), types: vec!["short.*".to_owned()], limits };
    Retention { classes: vec![class], rest: Limits::default() }
}

async fn until_due() {
    tokio::time::sleep(SHORT + Duration::from_millis(200)).await;
}

fn own_store(form: &Form) -> SqliteBackbone {
    let histogram = Metrics::default().jobs_per_commit;
    SqliteBackbone::open(&form.folder(), short(), Arc::new(SystemClock), histogram).unwrap()
}

async fn append(store: &JetStreamBackbone, id: &str, event_type: &str) {
    store.commit(events(vec![event(id, event_type)])).await.unwrap();
}

/// A replica that begins now knows what this one does.
async fn begins_alike(form: &Form, old: &JetStreamBackbone) {
    let second = form.replica();
    let fresh = second.join_with(short()).await.unwrap();
    assert_eq!(fresh.query(all()).await.unwrap(), old.query(all()).await.unwrap());
    assert_eq!(fresh.list("box", None, 3000).await.unwrap(), old.list("box", None, 3000).await.unwrap());
}

async fn messages(form: &Form) -> u64 {
    let log = connect(&form.stream().connection).await.unwrap().jetstream;
    log.get_stream(&form.stream().stream).await.unwrap().cached_info().state.messages
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn letting_go_of_what_stands_in_the_first_record_leaves_the_rest() {
    let form = Form::jetstream();
    append(&form.join_with(short()).await.unwrap(), "a", "short.x").await;
    until_due().await;
    let one = form.join_with(short()).await.unwrap();
    append(&one, "b", "short.x").await;
    append(&one, "c", "short.x").await;
    one.let_go().await.unwrap();
    assert_eq!(one.query(all()).await.unwrap().events.len(), 2);
    begins_alike(&form, &one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn letting_go_of_what_was_moved_here_leaves_the_rest() {
    let (here, there) = (Form::jetstream(), Form::jetstream());
    own_store(&here).commit(events(vec![event("a", "short.x")])).await.unwrap();
    migrate(&here.folder(), &there.stream(), |_, _| {}).await.unwrap();
    until_due().await;
    drop(there.join_with(short()).await.unwrap());
    let one = there.join_with(short()).await.unwrap();
    append(&one, "b", "short.x").await;
    append(&one, "c", "short.x").await;
    one.let_go().await.unwrap();
    assert_eq!(one.query(all()).await.unwrap().events.len(), 2);
    begins_alike(&there, &one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_of_what_was_let_go_moves_no_other_event() {
    let form = Form::jetstream();
    let one = form.join_with(short()).await.unwrap();
    append(&one, "x", "short.x").await;
    append(&one, "z", "short.x").await;
    one.commit(events(vec![event("x", "short.x"), event("y", "long.x")])).await.unwrap();
    until_due().await;
    one.let_go().await.unwrap();
    let second = form.replica();
    let fresh = second.join_with(short()).await.unwrap();
    let long = EventFilter { event_type: Some(TypeFilter::Exact("long.x".to_owned())), ..all() };
    assert_eq!(fresh.query(long.clone()).await.unwrap(), one.query(long).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_made_anew_is_noticed() {
    let form = Form::jetstream();
    let one = form.join().await;
    for number in 0..5 {
        append(&one, &number.to_string(), "t").await;
    }
    let log = connect(&form.stream().connection).await.unwrap().jetstream;
    let mut stream = log.get_stream(&form.stream().stream).await.unwrap();
    let config = stream.info().await.unwrap().config.clone();
    log.delete_stream(&form.stream().stream).await.unwrap();
    log.create_stream(config).await.unwrap();
    let second = form.replica();
    let other = second.join().await;
    for number in 0..8 {
        append(&other, &format!("new{number}"), "t").await;
    }
    let failed = tokio::time::timeout(Duration::from_secs(10), one.failed()).await;
    assert!(failed.is_ok(), "{:?}", one.query(all()).await);
    assert!(one.query(all()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lost_its_end_and_took_others_in_its_place_is_noticed() {
    let (form, server) = Form::on_own_server(&NatsOptions::default());
    let one = form.join().await;
    append(&one, "a", "t").await;
    server.stop();
    let aside = tempfile::tempdir().unwrap();
    copy(server.data(), &aside.path().join("data"));
    server.restart().unwrap();
    append(&one, "b", "t").await;
    one.standing().wait_for(|standing| *standing == Standing::Current).await.unwrap();
    server.stop();
    std::fs::remove_dir_all(server.data()).unwrap();
    copy(&aside.path().join("data"), server.data());
    server.restart().unwrap();
    let log = connect(&form.stream().connection).await.unwrap().jetstream;
    for number in 0..4 {
        let json = event(&format!("n{number}"), "t").json;
        let payload = format!(r#"{{"v":1,"batches":[{{"events":[{{"event":{json}}}]}}]}}"#);
        let subject = format!("{}.log.events.default", form.stream().stream.to_lowercase());
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Nats-Msg-Id", format!("name{number}"));
        log.publish_with_headers(subject, headers, payload.into()).await.unwrap().await.unwrap();
    }
    let failed = tokio::time::timeout(Duration::from_secs(15), one.failed()).await;
    assert!(failed.is_ok(), "{:?}", one.query(all()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_while_the_servers_were_away_does_not_come_later() {
    let (form, server) = Form::on_own_server(&NatsOptions::default());
    let one = form.join().await;
    append(&one, "a", "t").await;
    server.kill();
    // One that is on its way at that moment may come or not, and its maker is told that it is not known.
    one.standing().wait_for(|standing| *standing == Standing::Behind).await.unwrap();
    assert!(one.commit(events(vec![event("late", "t")])).await.is_err());
    server.restart().unwrap();
    one.standing().wait_for(|standing| *standing == Standing::Current).await.unwrap();
    append(&one, "b", "t").await;
    assert_eq!(one.query(all()).await.unwrap().events.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_there_before_a_store_was_moved_here_ends() {
    let (here, there) = (Form::jetstream(), Form::jetstream());
    own_store(&here).commit(events(vec![event("a", "t")])).await.unwrap();
    let live = there.join().await;
    migrate(&here.folder(), &there.stream(), |_, _| {}).await.unwrap();
    let second = there.replica();
    append(&second.join().await, "b", "t").await;
    let failed = tokio::time::timeout(Duration::from_secs(10), live.failed()).await;
    assert!(failed.is_ok(), "{:?}", live.query(all()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_large_entries_are_moved() {
    let (here, there) = (Form::jetstream(), Form::jetstream());
    let store = own_store(&here);
    let value = "x".repeat(100_000);
    for number in 0..40 {
        store.commit(puts(vec![put(&number.to_string(), Some(&value), None)])).await.unwrap();
    }
    let entries = store.list("box", None, 99).await.unwrap();
    drop(store);
    migrate(&here.folder(), &there.stream(), |_, _| {}).await.unwrap();
    assert_eq!(there.join().await.list("box", None, 99).await.unwrap(), entries);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_log_lets_go_of_what_is_due_and_takes_events_again() {
    let form = Form::jetstream();
    let one = form.join_with(short()).await.unwrap();
    let log = connect(&form.stream().connection).await.unwrap().jetstream;
    let mut stream = log.get_stream(&form.stream().stream).await.unwrap();
    let mut config = stream.info().await.unwrap().config.clone();
    config.max_bytes = 40_000;
    log.update_stream(config).await.unwrap();
    let mut count = 0;
    let refused = loop {
        count += 1;
        let kept = one.commit(events(vec![event(&count.to_string(), "short.x")])).await;
        if let Err(refused) = kept {
            break refused;
        }
    };
    assert_eq!(refused.to_string(), "the store is full");
    until_due().await;
    one.let_go().await.unwrap();
    append(&one, "again", "short.x").await;
    assert!(messages(&form).await < 10, "{} of {count}", messages(&form).await);
    begins_alike(&form, &one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_record_of_a_class_that_was_let_go_does_not_come_back_with_a_snapshot() {
    let form = Form::jetstream();
    let one = form.join_with(short()).await.unwrap();
    append(&one, "a", "short.x").await;
    until_due().await;
    one.let_go().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    one.commit(puts(vec![put("k", Some("v"), None)])).await.unwrap();
    one.shorten(1).await.unwrap();
    one.shorten(1).await.unwrap();
    one.commit(puts(vec![put("l", Some("v"), None)])).await.unwrap();
    begins_alike(&form, &one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_moved_here_does_not_come_back_over_a_snapshot() {
    let (here, there) = (Form::jetstream(), Form::jetstream());
    let store = own_store(&here);
    let revision = store.commit(puts(vec![put("k", Some("old"), None)])).await.unwrap().revisions[0];
    drop(store);
    migrate(&here.folder(), &there.stream(), |_, _| {}).await.unwrap();
    let one = there.join().await;
    one.commit(puts(vec![put("k", Some("new"), Some(revision))])).await.unwrap();
    one.shorten(1).await.unwrap();
    one.shorten(1).await.unwrap();
    one.commit(puts(vec![put("l", Some("v"), None)])).await.unwrap();
    begins_alike(&there, &one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_read_though_what_came_in_between_its_records_was_let_go() {
    let form = Form::jetstream();
    let one = Arc::new(form.join_with(short()).await.unwrap());
    for round in 0..40 {
        let some = (0..50).map(|number| put(&format!("{round}-{number}"), Some("v"), None)).collect();
        one.commit(puts(some)).await.unwrap();
    }
    let beside = Arc::clone(&one);
    let busy = tokio::spawn(async move {
        for number in 0.. {
            append(&beside, &number.to_string(), "short.x").await;
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    one.shorten(1).await.unwrap();
    busy.abort();
    let _ = busy.await;
    until_due().await;
    append(&one, "later", "short.x").await;
    until_due().await;
    one.let_go().await.unwrap();
    let before = messages(&form).await;
    let begun = std::time::Instant::now();
    while messages(&form).await >= before {
        assert!(begun.elapsed() < Duration::from_secs(10), "{before} records, and none goes");
        one.shorten(u64::MAX).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    begins_alike(&form, &one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_that_take_snapshots_at_once_leave_a_log_that_others_can_begin_with() {
    let form = Form::jetstream();
    let second = form.replica();
    let (one, other) = (form.join().await, second.join().await);
    for number in 0..5 {
        one.commit(puts(vec![put(&number.to_string(), Some("v"), None)])).await.unwrap();
    }
    for _ in 0..4 {
        // Of two that name a base one may be told that the other was faster.
        let _ = tokio::join!(one.shorten(1), other.shorten(1));
        begins_alike(&form, &one).await;
        one.commit(puts(vec![put("again", Some("v"), None)])).await.ok();
    }
}
