//! Watches within the service: events in a real store, the real assistant over the example company, and a clock that the test moves.

mod budgets;
mod counting;
mod ending;
mod files;
mod once;
mod questions;
mod readers;
mod suggesting;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::Semaphore;

use super::Watches;
use super::following::Follower;
use super::watch::{self, Watch};
use crate::backbone::{Batch, EventFilter, NewEvent, TypeFilter};
use crate::state::AppState;
use crate::testing::Stage;

const TYPE: &str = "com.example.telemetry.worker";

/// A watch that is told of every event of [`TYPE`], with changes.
fn watch(changes: &str) -> Arc<Watch> {
    let file = format!("name: test\nfilter: {{type: {TYPE}}}\nquestion: How do I restart the mailer?\n{changes}");
    Arc::new(watch::read(&file).unwrap())
}

fn example(name: &str) -> Arc<Watch> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/company/watches");
    Arc::clone(Watches::load(&folder).unwrap().all().find(|watch| watch.name == name).unwrap())
}

/// One that came in just now.
fn stuck(id: usize, worker: &str) -> Value {
    event(id, json!({"worker": worker, "state": "stuck"}))
}

fn event(id: usize, data: Value) -> Value {
    json!({"specversion": "1.0", "id": format!("event-{id}"), "source": "urn:test", "type": TYPE, "data": data})
}

fn at(mut event: Value, time: OffsetDateTime) -> Value {
    event["time"] = json!(time.format(&Rfc3339).unwrap());
    event
}

async fn send(stage: &Stage, events: impl IntoIterator<Item = Value>) {
    let events = events.into_iter().map(|event| NewEvent::from_json(event.to_string()).unwrap()).collect();
    stage.state.backbone.commit(Batch { events, puts: Vec::new() }).await.unwrap();
}

async fn follower(state: &AppState, watch: &Arc<Watch>) -> Follower {
    Follower::open(state.clone(), Arc::clone(watch), Arc::new(Semaphore::new(2))).await.unwrap()
}

/// Counts all that has come.
async fn look(follower: &mut Follower) {
    while follower.look().await.unwrap() {}
}

/// Counts all that has come, and tells what there is to tell.
async fn catch_up(follower: &mut Follower) {
    look(follower).await;
    follower.ask_and_tell().await.unwrap();
}

/// All insights that were said, as whole events, in the order of the log.
async fn said(stage: &Stage) -> Vec<Value> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let event_type = Some(TypeFilter::Below("dev.watchgate.insight".to_owned()));
        let page = stage.state.backbone.query(EventFilter { event_type, after, limit: 500, ..EventFilter::default() });
        let page = page.await.unwrap();
        found.extend(page.events.iter().map(|event| serde_json::from_str::<Value>(&event.json).unwrap()));
        match page.next_after {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

fn of_type(said: &[Value], what: &str) -> Vec<Value> {
    let event_type = format!("dev.watchgate.insight.{what}");
    said.iter().filter(|event| event["type"] == event_type.as_str()).map(|event| event["data"].clone()).collect()
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}
