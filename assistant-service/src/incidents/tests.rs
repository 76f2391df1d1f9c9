//! Diagnosis within the service: samples in a real store, the real engine, and a clock that the test moves.

mod asking;
mod between;
mod bounds;
mod clocks;
mod door;
mod keeping;
mod once;
mod pictures;
mod silencing;
mod taking_over;
mod time_passing;

use std::collections::BTreeMap;

use diagnosis::Millis;
use diagnosis::batch::{Batch, EVENT_TYPE, Row};
use serde_json::{Value, json};

use super::following::Follower;
use super::place::What;
use crate::backbone::{self, Entry, EventFilter, NewEvent, Put, TypeFilter};
use crate::clock::{Clock, millis};
use crate::replica_lease::ReplicaLease;
use crate::testing::{Stage, dice::Dice};

/// As long as a device is well and then not, and well again.
const GOES_BAD: i64 = 150;
const IS_WELL_AGAIN: i64 = 210;
const PLAYED: i64 = 420;

const SAMPLES_PER_SECOND: u32 = 5;

/// Samples of one second of a device: two metrics, of which one is far off while the device is struck.
fn second(device: &str, start: Millis, second: i64, is_struck: bool) -> Batch {
    let name = device.bytes().fold(0_u64, |name, byte| name.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut dice = Dice(name.wrapping_mul(1_000_003).wrapping_add(second.unsigned_abs()));
    let mut about = |usual: f64| {
        let throws: u64 = (0..4).map(|_| dice.below(1000)).sum();
        usual * (1.0 + (f64::from(u32::try_from(throws).unwrap()) - 2000.0) / 40_000.0)
    };
    let is_bad = is_struck && (GOES_BAD..IS_WELL_AGAIN).contains(&second);
    let rows = (0..SAMPLES_PER_SECOND).map(|sample| {
        let frame_time = if is_bad { about(400.0) } else { about(16.7) };
        Row(sample * 1000 / SAMPLES_PER_SECOND, vec![Some(frame_time), Some(about(60.0))])
    });
    Batch {
        device: device.to_owned(),
        build: "1.0".to_owned(),
        scene: "harbour".to_owned(),
        traits: BTreeMap::from([("site".to_owned(), "lab".to_owned())]),
        start: start + second * 1000,
        metrics: vec!["FrameTime".to_owned(), "Temperature".to_owned()],
        rows: rows.collect(),
        ..Batch::default()
    }
}

fn event(batch: &Batch) -> Value {
    json!({"specversion": "1.0", "id": format!("{}-{}", batch.device, batch.start), "source": "urn:test", "type": EVENT_TYPE,
        "subject": batch.device, "data": batch})
}

async fn send(stage: &Stage, events: impl IntoIterator<Item = Value>) {
    let events = events.into_iter().map(|event| NewEvent::from_json(event.to_string()).unwrap()).collect();
    stage.state.backbone.commit(backbone::Batch { events, puts: Vec::new() }).await.unwrap();
}

/// The four devices of a play; of two of them the frame times go up.
const DEVICES: [(&str, bool); 4] =
    [("console-1", true), ("console-2", false), ("console-3", true), ("console-4", false)];

/// Sends one second of all devices.
async fn send_second(stage: &Stage, start: Millis, number: i64) {
    send(stage, DEVICES.map(|(device, is_struck)| event(&second(device, start, number, is_struck)))).await;
    stage.clock.advance(std::time::Duration::from_secs(1));
}

/// The lease, which whoever has held it so far has given back.
async fn lease(stage: &Stage) -> ReplicaLease {
    let backbone = &stage.state.backbone;
    if let Some(Entry { key, revision, .. }) = backbone.get("incidents.lease", "watching".to_owned()).await.unwrap() {
        let gone =
            Put { bucket: "incidents.lease", key, value: None, expected_revision: Some(revision), expires_at: None };
        backbone.commit(backbone::Batch { events: Vec::new(), puts: vec![gone] }).await.unwrap();
    }
    let lease = super::diagnosing::lease(&stage.state);
    assert!(lease.hold().await.unwrap());
    lease
}

async fn follower(stage: &Stage) -> Follower {
    Follower::open(stage.state.clone(), &lease(stage).await).await.unwrap()
}

async fn look(follower: &mut Follower) {
    while follower.look().await.unwrap() {}
}

/// Judges what has come and lets the engine know the time; all of it is written down.
async fn look_and_tick(follower: &mut Follower) {
    look(follower).await;
    follower.say(What::Tick).await.unwrap();
    follower.write(Vec::new(), Vec::new()).await.unwrap();
}

/// Plays all of it without anything in between.
async fn played() -> Stage {
    let stage = Stage::new();
    let start = millis(stage.clock.now());
    send_second(&stage, start, 0).await;
    let mut follower = follower(&stage).await;
    for number in 1..PLAYED {
        send_second(&stage, start, number).await;
        look_and_tick(&mut follower).await;
    }
    stage
}

/// All that was said of incidents, as whole events, in the order of the log.
async fn said(stage: &Stage) -> Vec<Value> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let event_type = Some(TypeFilter::Below("dev.watchgate.incident".to_owned()));
        let page = stage.state.backbone.query(EventFilter { event_type, after, limit: 500, ..EventFilter::default() });
        let page = page.await.unwrap();
        found.extend(page.events.iter().map(|event| serde_json::from_str::<Value>(&event.json).unwrap()));
        match page.next_after {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

fn of_type<'a>(said: &'a [Value], what: &str) -> Vec<&'a Value> {
    let event_type = format!("dev.watchgate.incident.{what}");
    said.iter().filter(|event| event["type"] == event_type.as_str()).collect()
}
