//! What a sweep reads, and that it leaves nobody out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::watch;

use super::books::*;
use super::*;
use crate::backbone::{
    Backbone, BackboneError, Batch, Change, Committed, Entry, EventFilter, Page, Position, Put, Revision, Standing,
};

const OPEN: &str = "commands.open";

/// A backbone that counts the entries that are read of it, and knows the most that were read at once.
struct Read {
    backbone: Arc<dyn Backbone>,
    entries: AtomicUsize,
    at_once: AtomicUsize,
}

impl Read {
    fn over(stage: &Stage) -> Arc<Self> {
        let backbone = Arc::clone(&stage.state.backbone);
        Arc::new(Self { backbone, entries: AtomicUsize::new(0), at_once: AtomicUsize::new(0) })
    }

    fn count(&self, entries: usize) {
        self.entries.fetch_add(entries, Ordering::Relaxed);
        self.at_once.fetch_max(entries, Ordering::Relaxed);
    }

    fn taken(&self) -> usize {
        self.entries.swap(0, Ordering::Relaxed)
    }
}

impl Backbone for Read {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, BackboneError>> {
        self.backbone.commit(batch)
    }

    fn get(&self, bucket: &'static str, key: String) -> BoxFuture<'_, Result<Option<Entry>, BackboneError>> {
        self.count(1);
        self.backbone.get(bucket, key)
    }

    fn list(
        &self,
        bucket: &'static str,
        before: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Entry>, BackboneError>> {
        async move { self.backbone.list(bucket, before, limit).await.inspect(|entries| self.count(entries.len())) }
            .boxed()
    }

    fn changes(
        &self,
        bucket: &'static str,
        after: Revision,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, BackboneError>> {
        async move { self.backbone.changes(bucket, after, limit).await.inspect(|changes| self.count(changes.len())) }
            .boxed()
    }

    fn query(&self, filter: EventFilter) -> BoxFuture<'_, Result<Page, BackboneError>> {
        self.backbone.query(filter)
    }

    fn newest_position(&self) -> watch::Receiver<Position> {
        self.backbone.newest_position()
    }

    fn newest_revision(&self) -> watch::Receiver<Revision> {
        self.backbone.newest_revision()
    }

    fn standing(&self) -> watch::Receiver<Standing> {
        self.backbone.standing()
    }
}

/// Puts so many copies of an open command behind the service's back, each with a key beyond its own, asked for so much later.
async fn copy(stage: &Stage, command: &Value, count: usize, later: time::Duration) {
    let id = command["id"].as_str().unwrap();
    let entry = stage.state.backbone.get(OPEN, id.to_owned()).await.unwrap().unwrap();
    let mut record: Value = serde_json::from_slice(&entry.value).unwrap();
    let asked = OffsetDateTime::parse(record["command"]["requested_at"].as_str().unwrap(), &Rfc3339).unwrap();
    record["command"]["requested_at"] = json!((asked + later).format(&Rfc3339).unwrap());
    let puts: Vec<Put> = (0..count)
        .map(|number| {
            let key = format!("{id}-{number:05}");
            record["command"]["id"] = json!(key);
            let value = Some(record.to_string().into_bytes());
            Put { bucket: OPEN, key, value, expected_revision: None, expires_at: None }
        })
        .collect();
    for puts in puts.chunks(500) {
        stage.state.backbone.commit(Batch { events: Vec::new(), puts: puts.to_vec() }).await.unwrap();
    }
}

#[tokio::test]
async fn a_sweep_reads_what_is_due_and_a_page_and_not_all_that_is_open() {
    let stage = Stage::new();
    let command = ask(&stage, "restart-worker").await;
    copy(&stage, &command, 300, time::Duration::HOUR).await;
    // An hour of the first one's is over before this process has seen any of them for so long.
    stage.clock.advance(Duration::from_secs(10));
    let read = Read::over(&stage);
    let stage = stage.replica_over(read.clone());
    stage.state.commands.sweep().await.unwrap();
    assert!(read.taken() >= 301, "first it must know of all");
    for _ in 0..10 {
        stage.clock.advance(Duration::from_secs(1));
        stage.state.commands.sweep().await.unwrap();
        let entries = read.taken();
        assert!(entries <= 50, "{entries} were read");
    }
    stage.clock.advance(Duration::from_secs(3600 - 20));
    stage.state.commands.sweep().await.unwrap();
    assert!(read.taken() <= 55);
    assert_eq!(state_of(&stage, &command).await, "expired");
    assert!(read.at_once.load(Ordering::Relaxed) <= 256);
}

#[tokio::test]
async fn the_oldest_of_more_than_two_thousand_comes_to_its_time_too() {
    let stage = Stage::new();
    let command = ask(&stage, "restart-worker").await;
    copy(&stage, &command, 2100, time::Duration::HOUR).await;
    let stage = stage.restarted();
    stage.clock.advance(Duration::from_secs(3600));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "expired");
}

#[tokio::test]
async fn one_that_cannot_be_read_but_in_brief_keeps_no_other_from_its_time() {
    let stage = Stage::new();
    let commands = [ask(&stage, "restart-worker").await, ask(&stage, "restart-worker").await];
    change_record(&stage, &commands[0], |record| record["command"]["digest"] = json!(7)).await;
    stage.clock.advance(Duration::from_secs(3600));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &commands[1]).await, "expired");
}

#[tokio::test]
async fn what_was_seen_last_in_an_old_reading_is_forgotten_with_the_next_round() {
    let stage = Stage::new();
    let gone = ask(&stage, "show-status").await;
    let commands = &stage.state.commands;
    let old = commands.find(gone["id"].as_str().unwrap()).await.unwrap();
    copy(&stage, &gone, 120, time::Duration::ZERO).await;
    assert_eq!(on(&stage, &gone, "cancel", "ana", json!({})).await.status, StatusCode::OK);
    commands.sweep().await.unwrap();
    // Somebody read it before its end, and says so only now.
    commands.sees_kept(&old);
    assert_eq!(commands.open_counts(&old.record.command.requested_by).await.unwrap(), (121, 121));
    for _ in 0..3 {
        commands.sweep().await.unwrap();
    }
    assert_eq!(commands.open_counts(&old.record.command.requested_by).await.unwrap(), (120, 120));
}

#[tokio::test]
async fn a_list_reads_where_the_wanted_ones_are_and_not_all_that_is_open() {
    let stage = Stage::new();
    let pending = [ask(&stage, "restart-worker").await, ask(&stage, "restart-worker").await];
    let other = ask(&stage, "show-status").await;
    copy(&stage, &other, 300, time::Duration::ZERO).await;
    let read = Read::over(&stage);
    let stage = stage.replica_over(read.clone());
    stage.state.commands.sweep().await.unwrap();
    read.taken();
    let list = async |query: &str| {
        let page = stage.get(&format!("/v1/commands?{query}")).by("ana").send().await.json;
        let ids = page["commands"].as_array().unwrap().iter().map(|command| command["id"].clone()).collect::<Vec<_>>();
        (ids, page["next_before"].clone(), read.taken())
    };
    for query in ["state=pending", "runbook=restart-worker", "state=pending&service=sample-service&requested_by=me"] {
        let (ids, next_before, entries) = list(query).await;
        assert_eq!(
            (ids, next_before),
            (vec![pending[1]["id"].clone(), pending[0]["id"].clone()], Value::Null),
            "{query}"
        );
        assert!(entries <= 60, "{entries} were read for {query}");
    }
    let (ids, next_before, _) = list("state=pending&limit=1").await;
    assert_eq!((ids, &next_before), (vec![pending[1]["id"].clone()], &pending[1]["id"]));
    let (ids, next_before, _) = list(&format!("state=pending&before={}", pending[1]["id"].as_str().unwrap())).await;
    assert_eq!((ids, next_before), (vec![pending[0]["id"].clone()], Value::Null));
    let (ids, _, entries) = list("state=running").await;
    assert!(ids.is_empty() && entries <= 1, "{entries} were read of what none is");
    let (ids, next_before, _) = list("limit=303").await;
    assert_eq!((ids.len(), next_before), (303, Value::Null));
}

/// Prints how long a sweep takes beside reading everything that is open.
#[tokio::test]
#[ignore = "measures, and judges nothing"]
async fn how_long_a_sweep_takes() {
    for count in [1_000, 10_000] {
        let stage = Stage::new();
        let command = ask(&stage, "restart-worker").await;
        copy(&stage, &command, count - 1, time::Duration::ZERO).await;
        let mut took = Vec::new();
        for _ in 0..6 {
            let begun = std::time::Instant::now();
            stage.state.commands.sweep().await.unwrap();
            took.push(begun.elapsed());
        }
        let begun = std::time::Instant::now();
        let entries = stage.state.backbone.list(OPEN, None, 20_000).await.unwrap();
        let bytes: usize = entries.iter().map(|entry| entry.value.len()).sum();
        let records = entries.iter().filter_map(crate::commands::book::readable).count();
        let all = begun.elapsed();
        let begun = std::time::Instant::now();
        stage.get("/v1/commands?state=running&limit=50").send().await;
        let none = begun.elapsed();
        println!(
            "{count} open: sweeps took {took:?}; reading all {records} ({bytes} bytes) took {all:?}, a list of what none is {none:?}"
        );
    }
}
