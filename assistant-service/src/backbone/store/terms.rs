//! What events are found by: an inverted index of terms, each the hash of a kind and a value, and the positions of the events that
//! have it. Events go into it a little after they were kept, thousands of them in the order of their terms, a few entries of theirs with
//! each new event: at once and in the order of the log, each event would touch a page for every term that it has. Up to which
//! position the index is whole stands beside it; whoever looks something up looks through the few events beyond that too.

mod found;
mod making;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::hash::Hasher;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use siphasher::sip::SipHasher13;

use super::classes::ToErase;
use crate::backbone::Position;
pub(super) use found::Found;
pub(super) use making::{MANY_EVENTS, catch_up, empty, make_again};

/// Events that go into the index as one part. The more, the fewer pages each touches, and the more a look goes through.
const PART_EVENTS: usize = 8192;

/// Entries of a part that come in with each new event at least: twice as many as an event has, so that a part is in before the next
/// one is complete.
const ENTRIES_PER_EVENT: usize = 12;

/// How long entries come in with a commit of their own: whoever has something to keep waits for its end.
const TIME_PER_COMMIT: Duration = Duration::from_millis(20);

/// Entries between two looks at the time.
const ENTRIES_PER_LOOK: usize = 256;

/// So few events do not make a look slow: they wait until more have come.
const FEW_EVENTS: usize = 256;

/// What a term is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Source and id: the event itself, and whatever came later under its name.
    Identity,
    Source,
    Type,
    Subject,
    Correlation,
    Principal,
}

/// A kind in the upper bits and a hash in the lower ones, together less than 2^47: SQLite keeps that in six bytes. Two values may
/// share one, so an event that is found is looked at. It is kept on disk: another hash is another version of the schema.
pub(super) type Term = i64;

const HASH_BITS: u32 = 44;

impl Kind {
    const ALL: [Self; 6] =
        [Self::Identity, Self::Source, Self::Type, Self::Subject, Self::Correlation, Self::Principal];

    /// The columns of `events` that make up the value.
    pub(super) const fn columns(self) -> &'static str {
        match self {
            Self::Identity => "source, id",
            Self::Source => "source",
            Self::Type => "type",
            Self::Subject => "subject",
            Self::Correlation => "correlation_id",
            Self::Principal => "principal",
        }
    }

    const fn number(self) -> i64 {
        match self {
            Self::Identity => 0,
            Self::Source => 1,
            Self::Type => 2,
            Self::Subject => 3,
            Self::Correlation => 4,
            Self::Principal => 5,
        }
    }

    /// The term of a value of one part.
    pub(super) fn term(self, value: &str) -> Term {
        term(self.number(), [value])
    }
}

/// The term of an identity.
pub(super) fn identity(source: &str, id: &str) -> Term {
    term(Kind::Identity.number(), [source, id])
}

fn term<'v>(kind: i64, parts: impl IntoIterator<Item = &'v str>) -> Term {
    let mut hasher = SipHasher13::new();
    for part in parts {
        hasher.write(part.as_bytes());
        // In no UTF-8.
        hasher.write_u8(0xff);
    }
    let hash = hasher.finish() >> (u64::BITS - HASH_BITS);
    (kind << HASH_BITS) | hash.cast_signed()
}

/// The entries of some events, in the index's order.
type Entries = BTreeSet<(Term, Position)>;

/// The writer's side of the index: what is to come into it.
#[derive(Debug)]
pub(super) struct Terms {
    /// The index is whole up to here.
    indexed: Position,
    part: Part,
    /// Of the events beyond the part.
    waiting: Entries,
    waiting_events: usize,
    undo: Undo,
    /// Nothing comes in by itself after a transaction that failed, until one succeeds.
    has_failed: bool,
}

/// What comes in next.
#[derive(Debug)]
struct Part {
    entries: Entries,
    /// The last of its positions.
    last: Position,
    entries_per_event: usize,
}

/// How to take a transaction back.
#[derive(Debug, Default)]
struct Undo {
    indexed: Position,
    waiting_events: usize,
    /// Where the part ended.
    last: Position,
    has_begun_part: bool,
    came_in: Vec<(Term, Position)>,
    added: Vec<(Term, Position)>,
}

/// What an erased part of the log was found by.
pub(super) struct Erased(Entries);

impl Terms {
    /// As the store says.
    pub(super) fn read(connection: &Connection) -> Result<Self, rusqlite::Error> {
        let indexed = connection.query_row("SELECT indexed FROM stand", [], |row| row.get(0))?;
        let part = Part { entries: Entries::new(), last: indexed, entries_per_event: ENTRIES_PER_EVENT };
        let (waiting, undo) = (Entries::new(), Undo::default());
        let mut terms = Self { indexed, part, waiting, waiting_events: 0, undo, has_failed: false };
        let mut statement =
            connection.prepare(&format!("SELECT position, {} FROM events WHERE position > ?1", Found::COLUMNS))?;
        let mut rows = statement.query([indexed])?;
        while let Some(row) = rows.next()? {
            terms.wait(row.get(0)?, &Found::of(row, 1)?);
        }
        Ok(terms)
    }

    /// To be called before a transaction.
    pub(super) fn begin(&mut self) {
        let Self { indexed, part, waiting_events, .. } = self;
        let (indexed, waiting_events, last) = (*indexed, *waiting_events, part.last);
        self.undo = Undo { indexed, waiting_events, last, ..Undo::default() };
    }

    /// To be called when it was committed.
    pub(super) fn commit(&mut self) {
        self.undo = Undo::default();
        self.has_failed = false;
    }

    /// To be called when it was rolled back.
    pub(super) fn roll_back(&mut self) {
        let undo = std::mem::take(&mut self.undo);
        if undo.has_begun_part {
            self.waiting.append(&mut self.part.entries);
            self.waiting.extend(undo.came_in);
            let is_of_part = |(_, position): &(Term, Position)| *position <= undo.last;
            (self.part.entries, self.waiting) = std::mem::take(&mut self.waiting).into_iter().partition(is_of_part);
        } else {
            self.part.entries.extend(undo.came_in);
        }
        for entry in undo.added {
            self.waiting.remove(&entry);
        }
        (self.indexed, self.part.last, self.waiting_events) = (undo.indexed, undo.last, undo.waiting_events);
        self.has_failed = true;
    }

    /// To be written in the transaction in which something came in.
    pub(super) fn indexed(&self) -> Position {
        self.indexed
    }

    /// Takes an event that stands beyond all others.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        position: Position,
        event: &Found<'_>,
    ) -> Result<(), rusqlite::Error> {
        self.undo.added.extend(event.terms().map(|term| (term, position)));
        self.wait(position, event);
        if self.waiting_events >= PART_EVENTS {
            self.bring_in(connection, usize::MAX)?;
            self.begin_part();
        }
        self.bring_in(connection, self.part.entries_per_event)
    }

    fn wait(&mut self, position: Position, event: &Found<'_>) {
        self.waiting.extend(event.terms().map(|term| (term, position)));
        self.waiting_events = self.waiting_events.saturating_add(1);
    }

    fn begin_part(&mut self) {
        let entries = std::mem::take(&mut self.waiting);
        let last = entries.iter().map(|(_, position)| *position).max().unwrap_or(self.part.last);
        // A store that was opened may have had many.
        let entries_per_event = (entries.len() / PART_EVENTS).saturating_mul(2).max(ENTRIES_PER_EVENT);
        self.part = Part { entries, last, entries_per_event };
        self.waiting_events = 0;
        self.undo.has_begun_part = true;
    }

    fn bring_in(&mut self, connection: &Connection, entries: usize) -> Result<(), rusqlite::Error> {
        if !self.part.entries.is_empty() {
            // What was cut off in the middle comes again.
            let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO terms VALUES (?1, ?2)")?;
            for entry in std::iter::from_fn(|| self.part.entries.pop_first()).take(entries) {
                self.undo.came_in.push(entry);
                insert.execute(params![entry.0, entry.1])?;
            }
        }
        if self.part.entries.is_empty() {
            self.indexed = self.part.last;
        }
        Ok(())
    }

    /// Whether there is so much to bring in that it is worth commits of their own.
    pub(super) fn are_worth_a_commit(&self) -> bool {
        !self.has_failed && (!self.part.entries.is_empty() || self.waiting_events >= FEW_EVENTS)
    }

    /// Brings in as much as one commit should.
    pub(super) fn bring_in_some(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let begun = Instant::now();
        if self.part.entries.is_empty() {
            self.begin_part();
        }
        while !self.part.entries.is_empty() && begun.elapsed() < TIME_PER_COMMIT {
            self.bring_in(connection, ENTRIES_PER_LOOK)?;
        }
        Ok(())
    }

    /// Where events with a term stand that the index may not know yet, the newest first.
    pub(super) fn waiting(&self, term: Term) -> impl Iterator<Item = Position> {
        let range = (term, 0)..=(term, Position::MAX);
        let newest_first = self.waiting.range(range.clone()).rev().chain(self.part.entries.range(range).rev());
        newest_first.map(|(_, position)| *position)
    }

    /// Takes a part of the log out of the index, before it is erased itself; to be followed by [`Self::forget`] once that is
    /// committed.
    pub(super) fn erase(&self, connection: &Connection, part: &ToErase) -> Result<Erased, rusqlite::Error> {
        let sql = format!(
            "SELECT position, {} FROM events WHERE position > ?1 AND position <= ?2 AND class = ?3",
            Found::COLUMNS
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![part.above, part.up_to, part.class])?;
        let mut erased = Entries::new();
        while let Some(row) = rows.next()? {
            let position: Position = row.get(0)?;
            erased.extend(Found::of(row, 1)?.terms().map(|term| (term, position)));
        }
        let mut delete = connection.prepare_cached("DELETE FROM terms WHERE term = ?1 AND position = ?2")?;
        for (term, position) in &erased {
            delete.execute(params![term, position])?;
        }
        Ok(Erased(erased))
    }

    /// What was erased does not come in any more.
    pub(super) fn forget(&mut self, Erased(erased): &Erased) {
        for entry in erased {
            self.waiting.remove(entry);
            self.part.entries.remove(entry);
        }
    }
}
