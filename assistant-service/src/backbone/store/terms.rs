//! What events are found by: an inverted index of terms, each the hash of a kind and a value, and the positions of the events that
//! have it. Events go into it a little after they were kept, thousands of them in the order of their terms, some terms with each
//! new event: at once and in the order of the log, each event would touch a page for every term that it has. Up to which
//! position the index is whole stands beside it; whoever looks something up looks through the few events beyond that too.

use std::collections::BTreeSet;
use std::hash::Hasher;

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, Row, params};
use siphasher::sip::SipHasher13;

use super::classes::Part;
use crate::backbone::{NewEvent, Position};

/// Events that go into the index as one part. The more, the fewer pages each touches, and the more a look goes through.
const PART_EVENTS: usize = 8192;

/// Entries of a part that come in with each new event: twice as many as an event has, so that a part is in before the next
/// one is complete.
const ENTRIES_PER_EVENT: usize = 12;

/// Entries that come in with a commit of their own.
const ENTRIES_PER_COMMIT: usize = 4096;

/// So few events do not make a look slow: they wait until more have come.
const FEW_EVENTS: usize = 256;

/// More than these are sorted by SQLite, which uses files for that, and each kind for itself.
pub(super) const MANY_EVENTS: u64 = 64 * 1024;

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

/// A kind in the upper bits and a hash in the lower ones; SQLite keeps it in six bytes. Two values may share one, so an event
/// that is found is looked at. It is kept on disk: another hash is another version of the schema.
pub(super) type Term = i64;

const HASH_BITS: u32 = 45;

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

/// The columns by which an event is found.
pub(super) struct Found<'e> {
    source: &'e str,
    id: &'e str,
    event_type: &'e str,
    subject: Option<&'e str>,
    correlation_id: Option<&'e str>,
    principal: Option<&'e str>,
}

impl<'e> From<&'e NewEvent> for Found<'e> {
    fn from(event: &'e NewEvent) -> Self {
        Self {
            source: &event.source,
            id: &event.id,
            event_type: &event.event_type,
            subject: event.subject.as_deref(),
            correlation_id: event.correlation_id.as_deref(),
            principal: event.principal.as_deref(),
        }
    }
}

impl<'e> Found<'e> {
    const COLUMNS: &'static str = "source, id, type, subject, correlation_id, principal";

    /// Of a row whose columns from `first` on are [`Self::COLUMNS`].
    fn of(row: &'e Row<'_>, first: usize) -> Result<Self, rusqlite::Error> {
        let text =
            |column: usize| Ok::<_, rusqlite::Error>(row.get_ref(first.saturating_add(column))?.as_str_or_null()?);
        let some = |column| Ok::<_, rusqlite::Error>(text(column)?.unwrap_or_default());
        Ok(Self {
            source: some(0)?,
            id: some(1)?,
            event_type: some(2)?,
            subject: text(3)?,
            correlation_id: text(4)?,
            principal: text(5)?,
        })
    }

    fn terms(&self) -> impl Iterator<Item = Term> {
        let Self { source, id, event_type, subject, correlation_id, principal } = *self;
        let always = [identity(source, id), Kind::Source.term(source), Kind::Type.term(event_type)];
        let some = [(Kind::Subject, subject), (Kind::Correlation, correlation_id), (Kind::Principal, principal)];
        always.into_iter().chain(some.into_iter().filter_map(|(kind, value)| Some(kind.term(value?))))
    }
}

/// The entries of some events, in the index's order.
type Entries = BTreeSet<(Term, Position)>;

/// The writer's side of the index: what is to come into it.
#[derive(Debug)]
pub(super) struct Terms {
    /// The index is whole up to here.
    indexed: Position,
    /// What is left of the part that comes in, and the last of its positions.
    coming_in: (Entries, Position),
    /// Of the events beyond it.
    waiting: Entries,
    waiting_events: usize,
    /// What is here is not what the store says: to be read again.
    is_outdated: bool,
}

/// What an erased part of the log was found by.
pub(super) struct Erased(Entries);

impl Terms {
    /// To be filled by [`Self::refresh`].
    pub(super) fn unread() -> Self {
        Self::from(0)
    }

    fn from(indexed: Position) -> Self {
        Self {
            indexed,
            coming_in: (Entries::new(), indexed),
            waiting: Entries::new(),
            waiting_events: 0,
            is_outdated: true,
        }
    }

    /// Reads what waits, unless it is known; to be called before a transaction.
    pub(super) fn refresh(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        if self.is_outdated {
            *self = Self::from(connection.query_row("SELECT indexed FROM stand", [], |row| row.get(0))?);
            let sql = format!("SELECT position, {} FROM events WHERE position > ?1", Found::COLUMNS);
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([self.indexed])?;
            while let Some(row) = rows.next()? {
                self.wait(row.get(0)?, &Found::of(row, 1)?);
            }
            self.is_outdated = false;
        }
        Ok(())
    }

    /// To be called when a transaction was rolled back.
    pub(super) fn roll_back(&mut self) {
        self.is_outdated = true;
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
        self.wait(position, event);
        if self.waiting_events >= PART_EVENTS {
            self.bring_in(connection, usize::MAX)?;
            self.begin_part();
        }
        self.bring_in(connection, ENTRIES_PER_EVENT)
    }

    fn wait(&mut self, position: Position, event: &Found<'_>) {
        self.waiting.extend(event.terms().map(|term| (term, position)));
        self.waiting_events = self.waiting_events.saturating_add(1);
    }

    fn begin_part(&mut self) {
        let newest = self.waiting.iter().map(|(_, position)| *position).max();
        self.coming_in = (std::mem::take(&mut self.waiting), newest.unwrap_or(self.indexed));
        self.waiting_events = 0;
    }

    fn bring_in(&mut self, connection: &Connection, entries: usize) -> Result<(), rusqlite::Error> {
        let (part, last) = &mut self.coming_in;
        if part.is_empty() {
            return Ok(());
        }
        // What was cut off in the middle comes again.
        let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO terms VALUES (?1, ?2)")?;
        for (term, position) in std::iter::from_fn(|| part.pop_first()).take(entries) {
            insert.execute(params![term, position])?;
        }
        if part.is_empty() {
            self.indexed = *last;
        }
        Ok(())
    }

    /// Whether there is so much to bring in that it is worth commits of their own; not after one that failed.
    pub(super) fn are_worth_a_commit(&self) -> bool {
        !self.is_outdated && (!self.coming_in.0.is_empty() || self.waiting_events >= FEW_EVENTS)
    }

    /// Brings in as much as one commit should.
    pub(super) fn bring_in_some(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        if self.coming_in.0.is_empty() {
            self.begin_part();
        }
        self.bring_in(connection, ENTRIES_PER_COMMIT)
    }

    /// Where events with a term stand that the index may not know yet, the newest first.
    pub(super) fn waiting(&self, term: Term) -> impl Iterator<Item = Position> {
        let range = (term, 0)..=(term, Position::MAX);
        let newest_first = self.waiting.range(range.clone()).rev().chain(self.coming_in.0.range(range).rev());
        newest_first.map(|(_, position)| *position)
    }

    /// Takes a part of the log out of the index, before it is erased itself; to be followed by [`Self::forget`] once that is
    /// committed.
    pub(super) fn erase(&self, connection: &Connection, part: &Part) -> Result<Erased, rusqlite::Error> {
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
            self.coming_in.0.remove(entry);
        }
    }
}

/// Brings in all events that wait, if they are too many for memory.
pub(super) fn catch_up(connection: &Connection, many: u64) -> Result<(), rusqlite::Error> {
    let waiting: u64 = connection.query_row(
        "SELECT count(*) FROM (SELECT 1 FROM events WHERE position > (SELECT indexed FROM stand) LIMIT ?1)",
        [many],
        |row| row.get(0),
    )?;
    if waiting < many { Ok(()) } else { make_again(connection) }
}

/// Makes the whole index again. Cut off anywhere, it is begun again by [`catch_up`].
pub(super) fn make_again(connection: &Connection) -> Result<(), rusqlite::Error> {
    tracing::info!("making the index of all events");
    connection.create_scalar_function("term", -1, FunctionFlags::SQLITE_DETERMINISTIC, |values| {
        let parts = (1..values.len()).map(|index| values.get_raw(index).as_str());
        Ok(term(values.get(0)?, parts.collect::<Result<Vec<_>, _>>()?))
    })?;
    connection.execute_batch("BEGIN IMMEDIATE; UPDATE stand SET indexed = 0; DELETE FROM terms; COMMIT")?;
    let newest: Position =
        connection.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get(0))?;
    for kind in Kind::ALL {
        let (number, columns) = (kind.number(), kind.columns());
        // The others are never null.
        let last = columns.rsplit(", ").next().unwrap_or(columns);
        connection.execute(
            &format!(
                "INSERT INTO terms SELECT term({number}, {columns}), position FROM events NOT INDEXED
                 WHERE position <= ?1 AND {last} IS NOT NULL ORDER BY 1, 2"
            ),
            [newest],
        )?;
    }
    connection.execute("UPDATE stand SET indexed = ?1", [newest])?;
    Ok(())
}

#[cfg(test)]
mod tests;
