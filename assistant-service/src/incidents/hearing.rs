//! What the engine hears, in the order of the log: samples, silences, and what the clock said in between.

use std::borrow::Cow;
use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use diagnosis::batch::{Batch, EVENT_TYPE};
use diagnosis::engine::{Change, Counted, InvalidParked};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::judge::Judged;
use super::place::{Said, What};
use super::silence::{CREATED, REMOVED, Silenced};
use crate::backbone::{Position, StoredEvent};
use crate::events::OWN_SOURCE;

/// One thing that is heard.
pub(super) enum Heard {
    Event(StoredEvent),
    Clock(Said),
}

/// The same, read.
pub(super) struct Read {
    pub(super) at: Position,
    what: Input,
}

enum Input {
    Samples(Box<Batch>),
    Silenced(Box<Silenced>),
    Unsilenced(Box<Silenced>),
    Clock(Said),
}

/// What came of it.
#[derive(Default)]
pub(super) struct Outcome {
    /// In their order.
    pub(super) changed: Vec<Changed>,
    pub(super) counted: Counted,
    /// Events with samples.
    pub(super) heard: u64,
    /// Devices that there was no room for.
    pub(super) forgotten: Vec<String>,
}

/// What one thing that was heard has changed.
pub(super) struct Changed {
    /// As far as the log had been judged.
    pub(super) at: Position,
    /// Events with samples up to there, of those that were heard together.
    pub(super) heard: u64,
    pub(super) changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(rename = "type", borrow)]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    data_base64: Option<Cow<'a, str>>,
}

/// Reads what is heard, and says which devices are not in memory.
pub(super) fn read(judged: &Judged, heard: Vec<Heard>) -> (Vec<Read>, BTreeSet<String>) {
    let (mut all, mut needed) = (Vec::with_capacity(heard.len()), BTreeSet::new());
    for one in heard {
        let read = match one {
            Heard::Clock(said) => Read { at: said.after, what: Input::Clock(said) },
            Heard::Event(StoredEvent { position, json }) => match input(&json) {
                Ok(Some(what)) => Read { at: position, what },
                Ok(None) => continue,
                Err(error) => {
                    // It was checked when it came in; whatever it is, the events after it must not wait for it.
                    tracing::error!(position, %error, "an event with samples is left out");
                    continue;
                }
            },
        };
        if let Input::Samples(batch) = &read.what
            && judged.engine.needs(batch)
        {
            needed.insert(batch.device.clone());
        }
        all.push(read);
    }
    (all, needed)
}

fn input(json: &str) -> Result<Option<Input>, serde_json::Error> {
    let Written { event_type, source, data, data_base64 } = serde_json::from_str(json)?;
    // Who may send samples could send these types too; only what the service has said counts.
    let is_own = source == OWN_SOURCE;
    let data = match (data, data_base64) {
        (Some(data), _) => Cow::Borrowed(data.get().as_bytes()),
        (None, Some(text)) => Cow::Owned(BASE64_STANDARD.decode(&*text).unwrap_or_default()),
        (None, None) => Cow::Borrowed(b"".as_slice()),
    };
    Ok(match &*event_type {
        EVENT_TYPE => Some(Input::Samples(serde_json::from_slice(&data)?)),
        CREATED if is_own => Some(Input::Silenced(serde_json::from_slice(&data)?)),
        REMOVED if is_own => Some(Input::Unsilenced(serde_json::from_slice(&data)?)),
        _ => None,
    })
}

/// Has the engine hear it.
pub(super) fn hear(judged: &mut Judged, all: Vec<Read>) -> Result<Outcome, InvalidParked> {
    let mut outcome = Outcome::default();
    for Read { at, what } in all {
        let changes = match what {
            Input::Samples(batch) => {
                judged.copy_before(&batch.device)?;
                let (changes, counted) = judged.engine.take(&batch);
                outcome.count(counted);
                for device in judged.engine.surplus(&batch.device) {
                    judged.copy_before(&device)?;
                    judged.engine.forget(&device);
                    outcome.forgotten.push(device);
                }
                changes
            }
            Input::Silenced(silenced) => {
                judged.silence(*silenced);
                Vec::new()
            }
            Input::Unsilenced(silenced) => {
                judged.unsilence(&silenced.id);
                Vec::new()
            }
            Input::Clock(Said { what: What::Tick, now, .. }) => judged.engine.tick(now),
            Input::Clock(Said { what: What::Resume, now, .. }) => {
                judged.engine.resume(now);
                Vec::new()
            }
        };
        if !changes.is_empty() {
            outcome.changed.push(Changed { at, heard: outcome.heard, changes });
        }
    }
    Ok(outcome)
}

impl Outcome {
    fn count(&mut self, counted: Counted) {
        self.heard = self.heard.saturating_add(1);
        let Counted { judged, left_out, too_late } = &mut self.counted;
        *judged = judged.saturating_add(counted.judged);
        *left_out = left_out.saturating_add(counted.left_out);
        *too_late = too_late.saturating_add(counted.too_late);
    }
}
