//! A record of the log: what some callers want to be done, one batch after the other. It is JSON, so that an operator can read the log
//! with NATS's own tools; whether each batch is done is found out by whoever applies it.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use super::carried::{Carried, WireCarried};
use super::job::Job;
use super::snapshot::Base;
use crate::backbone::event_json::InvalidEventJson;
use crate::backbone::retention::{DEFAULT_CLASS, Floor, Retention};
use crate::backbone::store::{Change, Classed, millis};
use crate::backbone::{BackboneError, NewEvent, Position, Revision};

/// What this program writes. It reads nothing else: a record that is not understood must not be passed over.
const VERSION: u8 = 1;

/// A record as it is read.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) batches: Vec<RecordedBatch>,
    pub(super) floors: Vec<Floor>,
    pub(super) carried: Carried,
    /// A part of the snapshot of this name.
    pub(super) snapshot: Option<(String, Carried)>,
    pub(super) base: Option<Base>,
}

/// A batch as it is read.
#[derive(Debug)]
pub(super) struct RecordedBatch {
    events: Vec<(String, NewEvent)>,
    puts: Vec<RecordedPut>,
}

#[derive(Debug)]
struct RecordedPut {
    bucket: String,
    key: String,
    value: Option<Vec<u8>>,
    expected_revision: Option<Revision>,
    expires_millis: Option<i64>,
}

/// Why a record cannot be applied.
#[derive(Debug, Error)]
pub(super) enum InvalidRecord {
    #[error("it is not a record: {0}")]
    NotReadable(#[from] serde_json::Error),
    #[error("an event in it is not readable: {0}")]
    Event(#[from] InvalidEventJson),
    #[error("it has version {0}, this program knows {VERSION}: update it")]
    Version(u8),
    #[error("a value in it is not base64")]
    Value(#[from] base64::DecodeError),
}

impl RecordedBatch {
    pub(super) fn events(&self) -> impl Iterator<Item = Classed<'_>> {
        self.events.iter().map(|(class, event)| Classed { event, class })
    }

    pub(super) fn puts(&self) -> Vec<Change<'_>> {
        self.puts.iter().map(Change::from).collect()
    }
}

impl<'p> From<&'p RecordedPut> for Change<'p> {
    fn from(put: &'p RecordedPut) -> Self {
        let RecordedPut { bucket, key, value, expected_revision, expires_millis } = put;
        let value = value.as_deref();
        Self { bucket, key, value, expected_revision: *expected_revision, expires_millis: *expires_millis }
    }
}

#[derive(Serialize, Deserialize)]
struct Wire<'w> {
    v: u8,
    #[serde(borrow)]
    batches: Vec<WireBatch<'w>>,
    #[serde(default, borrow, skip_serializing_if = "Vec::is_empty")]
    let_go: Vec<WireFloor<'w>>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    carried: Option<WireCarried<'w>>,
    /// For replicas that begin; for all others it says nothing.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    snapshot: Option<WireSnapshot<'w>>,
    /// Where those begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<Base>,
}

#[derive(Serialize, Deserialize)]
struct WireSnapshot<'w> {
    #[serde(borrow)]
    name: Cow<'w, str>,
    #[serde(borrow)]
    carried: WireCarried<'w>,
}

impl Default for Wire<'_> {
    fn default() -> Self {
        let (batches, let_go) = (Vec::new(), Vec::new());
        Self { v: VERSION, batches, let_go, carried: None, snapshot: None, base: None }
    }
}

#[derive(Serialize, Deserialize)]
struct WireBatch<'w> {
    #[serde(default, borrow, skip_serializing_if = "Vec::is_empty")]
    events: Vec<WireEvent<'w>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    puts: Vec<WirePut<'w>>,
}

#[derive(Serialize, Deserialize)]
struct WireEvent<'w> {
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    class: Option<Cow<'w, str>>,
    #[serde(borrow)]
    event: &'w RawValue,
}

#[derive(Serialize, Deserialize)]
struct WirePut<'w> {
    #[serde(borrow)]
    bucket: Cow<'w, str>,
    #[serde(borrow)]
    key: Cow<'w, str>,
    /// In base64; without it the entry is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Cow<'w, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected: Option<Revision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct WireFloor<'w> {
    #[serde(borrow)]
    class: Cow<'w, str>,
    position: Position,
}

/// Writes the record of some jobs.
pub(super) fn encode(jobs: &[Job], retention: &Retention) -> Result<Bytes, BackboneError> {
    let unreadable = |error: serde_json::Error| BackboneError::Unavailable(format!("an event is not JSON: {error}"));
    let batches = jobs.iter().map(|job| wire_batch(job, retention)).collect::<Result<_, _>>().map_err(unreadable)?;
    let let_go = jobs.iter().flat_map(|job| &job.floors);
    let let_go = let_go.map(|floor| WireFloor { class: (&*floor.class).into(), position: floor.position }).collect();
    let text = serde_json::to_vec(&Wire { batches, let_go, ..Wire::default() }).map_err(unreadable)?;
    Ok(text.into())
}

fn wire_batch<'w>(job: &'w Job, retention: &'w Retention) -> Result<WireBatch<'w>, serde_json::Error> {
    let event = |event: &'w NewEvent| {
        let class = retention.class_of(&event.event_type);
        let class = (class != DEFAULT_CLASS).then_some(Cow::Borrowed(class));
        Ok(WireEvent { class, event: serde_json::from_str(&event.json)? })
    };
    let events = job.batch.events.iter().map(event).collect::<Result<_, serde_json::Error>>()?;
    let puts = job.batch.puts.iter().map(|put| WirePut {
        bucket: put.bucket.into(),
        key: (&*put.key).into(),
        value: put.value.as_ref().map(|value| BASE64_STANDARD.encode(value).into()),
        expected: put.expected_revision,
        expires: put.expires_at.map(millis),
    });
    Ok(WireBatch { events, puts: puts.collect() })
}

/// Writes the record of what is carried into the log from elsewhere.
pub(super) fn encode_carried(carried: WireCarried<'_>) -> Result<Bytes, serde_json::Error> {
    Ok(serde_json::to_vec(&Wire { carried: Some(carried), ..Wire::default() })?.into())
}

/// Writes the record of a part of a snapshot.
pub(super) fn encode_snapshot(name: &str, carried: WireCarried<'_>) -> Result<Bytes, serde_json::Error> {
    let snapshot = Some(WireSnapshot { name: name.into(), carried });
    Ok(serde_json::to_vec(&Wire { snapshot, ..Wire::default() })?.into())
}

/// Writes the record that names a snapshot.
pub(super) fn encode_base(base: Base) -> Result<Bytes, serde_json::Error> {
    Ok(serde_json::to_vec(&Wire { base: Some(base), ..Wire::default() })?.into())
}

/// Reads a record.
pub(super) fn decode(text: &[u8]) -> Result<Record, InvalidRecord> {
    #[derive(Deserialize)]
    struct Versioned {
        v: u8,
    }
    let wire: Wire<'_> = match serde_json::from_slice(text) {
        Ok(wire) => wire,
        Err(error) => {
            let Versioned { v } = serde_json::from_slice(text)?;
            return Err(if v == VERSION { error.into() } else { InvalidRecord::Version(v) });
        }
    };
    if wire.v != VERSION {
        return Err(InvalidRecord::Version(wire.v));
    }
    let floor = |floor: WireFloor<'_>| Floor { class: floor.class.into_owned(), position: floor.position };
    Ok(Record {
        batches: wire.batches.into_iter().map(recorded_batch).collect::<Result<_, _>>()?,
        floors: wire.let_go.into_iter().map(floor).collect(),
        carried: wire.carried.map(Carried::try_from).transpose()?.unwrap_or_default(),
        snapshot: wire.snapshot.map(snapshot).transpose()?,
        base: wire.base,
    })
}

fn snapshot(wire: WireSnapshot<'_>) -> Result<(String, Carried), InvalidRecord> {
    Ok((wire.name.into_owned(), wire.carried.try_into()?))
}

fn recorded_batch(wire: WireBatch<'_>) -> Result<RecordedBatch, InvalidRecord> {
    let event = |wire: WireEvent<'_>| {
        let class = wire.class.map_or_else(|| DEFAULT_CLASS.to_owned(), Cow::into_owned);
        Ok((class, NewEvent::from_json(wire.event.get().to_owned())?))
    };
    let put = |wire: WirePut<'_>| {
        Ok(RecordedPut {
            bucket: wire.bucket.into_owned(),
            key: wire.key.into_owned(),
            value: wire.value.map(|text| BASE64_STANDARD.decode(&*text)).transpose()?,
            expected_revision: wire.expected,
            expires_millis: wire.expires,
        })
    };
    Ok(RecordedBatch {
        events: wire.events.into_iter().map(event).collect::<Result<_, InvalidRecord>>()?,
        puts: wire.puts.into_iter().map(put).collect::<Result<_, InvalidRecord>>()?,
    })
}
