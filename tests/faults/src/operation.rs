//! What writers do. An operation is known by its writer and its number, and everything in it can be told from the two: whoever
//! judges needs no list of what was sent.

use assistant_service::backbone::{Batch, NewEvent, Put, Revision};

/// The one bucket.
pub(crate) const BUCKET: &str = "faults";
/// The entry that all counting writers share.
pub(crate) const COUNTER: &str = "counter";
/// The subject of all that was counted.
pub(crate) const COUNTED: &str = "counted";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Operation {
    pub(crate) writer: u32,
    pub(crate) number: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One event.
    Single,
    /// Some events at once.
    Batch,
    /// An event and an entry.
    Both,
    /// The next number in the counter's entry, and an event that tells it.
    Count,
}

impl Operation {
    pub(crate) fn kind(self) -> Kind {
        match self.writer % 4 {
            0 => Kind::Single,
            1 => Kind::Batch,
            2 => Kind::Both,
            _ => Kind::Count,
        }
    }

    /// The id of one of its events.
    pub(crate) fn id(self, part: u64) -> String {
        format!("{}-{}-{part}", self.writer, self.number)
    }

    /// The operation and the part of it that an event's id names.
    pub(crate) fn of_id(id: &str) -> Option<(Self, u64)> {
        let mut parts = id.split('-');
        let operation = Self { writer: parts.next()?.parse().ok()?, number: parts.next()?.parse().ok()? };
        Some((operation, parts.next()?.parse().ok()?))
    }

    pub(crate) fn next(self) -> Self {
        Self { number: self.number + 1, ..self }
    }

    /// Events in it.
    pub(crate) fn parts(self) -> u64 {
        if self.kind() == Kind::Batch { 2 + self.number % 19 } else { 1 }
    }

    /// The name of its entry, which nobody else has.
    pub(crate) fn key(self) -> String {
        format!("{}-{}", self.writer, self.number)
    }

    /// Its batch, but for the entry of a counter.
    pub(crate) fn batch(self, padding: usize) -> Batch {
        let events = (0..self.parts()).map(|part| self.event(part, 0, padding)).collect();
        let puts = if self.kind() == Kind::Both { vec![put(self.key(), self.key(), None)] } else { Vec::new() };
        Batch { events, puts }
    }

    /// One more in the counter, whose entry was read in this revision.
    pub(crate) fn count(self, count: u64, revision: Option<Revision>, padding: usize) -> Batch {
        let puts = vec![put(COUNTER.to_owned(), count.to_string(), revision)];
        Batch { events: vec![self.event(0, count, padding)], puts }
    }

    fn event(self, part: u64, count: u64, padding: usize) -> NewEvent {
        let writer = self.writer;
        let (id, event_type) = (self.id(part), format!("faults.{:?}", self.kind()));
        let subject = if self.kind() == Kind::Count { COUNTED.to_owned() } else { format!("writer-{writer}") };
        let padding = "x".repeat(padding);
        let json = format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"urn:faults","type":"{event_type}","subject":"{subject}","data":{{"count":{count},"padding":"{padding}"}}}}"#
        );
        NewEvent {
            source: "urn:faults".to_owned(),
            id,
            event_type,
            subject: Some(subject),
            correlation_id: None,
            principal: None,
            json,
        }
    }
}

fn put(key: String, value: String, expected_revision: Option<Revision>) -> Put {
    Put { bucket: BUCKET, key, value: Some(value.into_bytes()), expected_revision, expires_at: None }
}
