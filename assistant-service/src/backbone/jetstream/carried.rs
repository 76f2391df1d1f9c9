//! What a record carries into the log from a store that was there before it, with the places that it had there.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::record::InvalidRecord;
use crate::backbone::store::{Change, Classed, KeptEntry, KeptEvent, Ledger};
use crate::backbone::{NewEvent, Position, Revision};

/// The last part of the subject of records that carry.
pub(super) const CARRIED: &str = "carried";

/// One record carries so many entries at most,
pub(super) const ENTRIES_PER_RECORD: u32 = 200;

/// and so many bytes.
const BYTES_PER_RECORD: usize = 1024 * 1024;

/// How many of things of these sizes go into one record; always one.
pub(super) fn fitting(sizes: impl Iterator<Item = usize>) -> usize {
    let sums = sizes.scan(0_usize, |bytes, size| {
        *bytes = bytes.saturating_add(size);
        Some(*bytes)
    });
    sums.take_while(|bytes| *bytes <= BYTES_PER_RECORD).count().max(1)
}

/// As it is read.
#[derive(Debug, Default)]
pub(super) struct Carried {
    events: Vec<CarriedEvent>,
    entries: Vec<CarriedEntry>,
}

#[derive(Debug)]
struct CarriedEvent {
    position: Position,
    arrived: i64,
    class: String,
    event: NewEvent,
}

#[derive(Debug)]
struct CarriedEntry {
    bucket: String,
    key: String,
    value: Vec<u8>,
    revision: Revision,
    expires_millis: Option<i64>,
}

impl Carried {
    pub(super) fn apply(&self, ledger: &mut Ledger) -> Result<(), rusqlite::Error> {
        for CarriedEvent { position, arrived, class, event } in &self.events {
            ledger.carry_event(*position, *arrived, Classed { event, class })?;
        }
        for CarriedEntry { bucket, key, value, revision, expires_millis } in &self.entries {
            let value = Some(value.as_slice());
            let entry = Change { bucket, key, value, expected_revision: None, expires_millis: *expires_millis };
            ledger.carry_entry(entry, *revision)?;
        }
        Ok(())
    }
}

/// As it is written.
#[derive(Serialize, Deserialize)]
pub(super) struct WireCarried<'w> {
    #[serde(default, borrow, skip_serializing_if = "Vec::is_empty")]
    events: Vec<WireEvent<'w>>,
    #[serde(default, borrow, skip_serializing_if = "Vec::is_empty")]
    entries: Vec<WireEntry<'w>>,
}

#[derive(Serialize, Deserialize)]
struct WireEvent<'w> {
    position: Position,
    arrived: i64,
    #[serde(borrow)]
    class: Cow<'w, str>,
    #[serde(borrow)]
    event: &'w RawValue,
}

#[derive(Serialize, Deserialize)]
struct WireEntry<'w> {
    #[serde(borrow)]
    bucket: Cow<'w, str>,
    #[serde(borrow)]
    key: Cow<'w, str>,
    /// In base64.
    #[serde(borrow)]
    value: Cow<'w, str>,
    revision: Revision,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
}

impl<'w> WireCarried<'w> {
    pub(super) fn events(kept: &'w [KeptEvent]) -> Result<Self, serde_json::Error> {
        let event = |kept: &'w KeptEvent| {
            let event = serde_json::from_str(&kept.json)?;
            Ok(WireEvent { position: kept.position, arrived: kept.arrived, class: (&*kept.class).into(), event })
        };
        let events = kept.iter().map(event).collect::<Result<_, serde_json::Error>>()?;
        Ok(Self { events, entries: Vec::new() })
    }

    pub(super) fn entries(kept: &'w [KeptEntry]) -> Self {
        let entry = |kept: &'w KeptEntry| WireEntry {
            bucket: (&*kept.bucket).into(),
            key: (&*kept.key).into(),
            value: BASE64_STANDARD.encode(&kept.value).into(),
            revision: kept.revision,
            expires: kept.expires_millis,
        };
        Self { events: Vec::new(), entries: kept.iter().map(entry).collect() }
    }
}

impl TryFrom<WireCarried<'_>> for Carried {
    type Error = InvalidRecord;

    fn try_from(wire: WireCarried<'_>) -> Result<Self, InvalidRecord> {
        let event = |wire: WireEvent<'_>| {
            let event = NewEvent::from_json(wire.event.get().to_owned())?;
            Ok(CarriedEvent { position: wire.position, arrived: wire.arrived, class: wire.class.into_owned(), event })
        };
        let entry = |wire: WireEntry<'_>| {
            Ok(CarriedEntry {
                bucket: wire.bucket.into_owned(),
                key: wire.key.into_owned(),
                value: BASE64_STANDARD.decode(&*wire.value)?,
                revision: wire.revision,
                expires_millis: wire.expires,
            })
        };
        Ok(Self {
            events: wire.events.into_iter().map(event).collect::<Result<_, InvalidRecord>>()?,
            entries: wire.entries.into_iter().map(entry).collect::<Result<_, InvalidRecord>>()?,
        })
    }
}
