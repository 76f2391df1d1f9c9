//! The writer's side of a store: applies batches in the order of the log. What comes of a batch depends on the batches before it
//! and the time that is given, and on nothing else: replicas that apply the same log know the same.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use time::OffsetDateTime;

use super::classes::{self, Classes, Segment};
use super::outcome::Outcome;
use super::terms::{self, Terms};
use crate::backbone::{Appended, Committed, IDENTITY_HOURS, NewEvent, Position, Put, Revision};

const IDENTITY_MILLIS: i64 = IDENTITY_HOURS * 60 * 60 * 1000;

/// How long it is known that an entry was removed, for those who follow the changes.
const REMOVED_MILLIS: i64 = 60 * 60 * 1000;

/// Without anything to do for so long, the writer brings in what waits for the index.
const SETTLE_AFTER: Duration = Duration::from_millis(50);

/// Changes a store. Nobody else does.
pub(in crate::backbone) struct Ledger {
    connection: Connection,
    stand: Stand,
    /// Positions and revisions beyond these are free.
    numbered: Stand,
    /// The name of the last record of a shared log that was applied.
    record: String,
    /// The record of a shared log up to which entries are known from a snapshot.
    entries_from: u64,
    classes: Classes,
    terms: Terms,
}

/// How far a store has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::backbone) struct Stand {
    /// The newest event's position.
    pub(in crate::backbone) position: Position,
    /// The newest revision.
    pub(in crate::backbone) revision: Revision,
    /// The last record of a shared log that was applied.
    pub(in crate::backbone) sequence: u64,
}

/// An event, and the name of its class.
#[derive(Clone, Copy)]
pub(in crate::backbone) struct Classed<'b> {
    pub(in crate::backbone) event: &'b NewEvent,
    pub(in crate::backbone) class: &'b str,
}

/// A put, wherever its parts are kept.
#[derive(Clone, Copy)]
pub(in crate::backbone) struct Change<'b> {
    pub(in crate::backbone) bucket: &'b str,
    pub(in crate::backbone) key: &'b str,
    pub(in crate::backbone) value: Option<&'b [u8]>,
    pub(in crate::backbone) expected_revision: Option<Revision>,
    pub(in crate::backbone) expires_millis: Option<i64>,
}

impl<'b> From<&'b Put> for Change<'b> {
    fn from(put: &'b Put) -> Self {
        let Put { bucket, key, value, expected_revision, expires_at } = put;
        let (value, expires_millis) = (value.as_deref(), expires_at.map(millis));
        Self { bucket, key, value, expected_revision: *expected_revision, expires_millis }
    }
}

impl Ledger {
    pub(super) fn over(connection: Connection) -> Result<Self, rusqlite::Error> {
        let sql = "SELECT position, revision, sequence, record, entries_from FROM stand";
        let (stand, record, entries_from) = connection.query_row(sql, [], |row| {
            Ok((
                Stand { position: row.get(0)?, revision: row.get(1)?, sequence: row.get(2)? },
                row.get(3)?,
                row.get(4)?,
            ))
        })?;
        let classes = Classes::read(&connection)?;
        let terms = Terms::read(&connection)?;
        Ok(Self { connection, stand, numbered: stand, record, entries_from, classes, terms })
    }

    pub(in crate::backbone) fn stand(&self) -> Stand {
        self.stand
    }

    /// The name of the last record of a shared log that was applied.
    pub(in crate::backbone) fn record(&self) -> &str {
        &self.record
    }

    /// The record up to which what records do to entries is known from a snapshot; 0 without one.
    pub(in crate::backbone) fn entries_from(&self) -> u64 {
        self.entries_from
    }

    /// Says up to which record entries are known from a snapshot. To be called within [`Self::together`].
    pub(in crate::backbone) fn begin_with_entries(&mut self, sequence: u64) {
        self.entries_from = sequence;
    }

    /// Begins a record of a shared log: what it changes is numbered from here on.
    pub(in crate::backbone) fn begin_record(&mut self, from: Stand, name: &str) {
        self.numbered = from;
        self.stand.sequence = from.sequence;
        name.clone_into(&mut self.record);
    }

    /// For SQLite's own log between transactions.
    pub(in crate::backbone) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Does `work` as one commit; when it fails, nothing of it has happened.
    pub(in crate::backbone) fn together<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, rusqlite::Error>,
    ) -> Result<T, rusqlite::Error> {
        self.terms.begin();
        let before = (self.stand, self.numbered, self.record.clone(), self.classes.clone());
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let done = work(self).and_then(|done| {
            self.write_stand()?;
            self.connection.execute_batch("COMMIT")?;
            Ok(done)
        });
        if done.is_ok() {
            self.terms.commit();
        } else {
            (self.stand, self.numbered, self.record, self.classes) = before;
            self.terms.roll_back();
            // Fails when SQLite has rolled back by itself, as it does on a full disk: the same outcome.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        done
    }

    fn write_stand(&mut self) -> Result<(), rusqlite::Error> {
        let Stand { position, revision, sequence } = self.stand;
        self.classes.write(&self.connection)?;
        self.connection
            .prepare_cached(
                "UPDATE stand SET position = ?1, revision = ?2, sequence = ?3, record = ?4, entries_from = ?5, indexed = ?6",
            )?
            .execute(params![position, revision, sequence, self.record, self.entries_from, self.terms.indexed()])?;
        Ok(())
    }

    /// Applies a batch, all of it or nothing. To be called within [`Self::together`].
    pub(in crate::backbone) fn apply<'b>(
        &mut self,
        events: impl IntoIterator<Item = Classed<'b>>,
        puts: &[Change<'_>],
        now: OffsetDateTime,
    ) -> Result<Outcome, rusqlite::Error> {
        let now = millis(now);
        let events: Vec<_> = events.into_iter().collect();
        let free = self.pass_over(events.len(), puts.len());
        if !puts.is_empty() {
            self.forget_expired(now)?;
        }
        for (index, put) in puts.iter().enumerate() {
            if self.revision_of(put, now)? != put.expected_revision {
                return Ok(Outcome::Conflict(index));
            }
        }
        let revisions = puts.iter().zip((free.revision..).skip(1)).map(|(put, revision)| self.put(put, revision, now));
        let revisions = revisions.collect::<Result<_, _>>()?;
        let events = events.into_iter().zip((free.position..).skip(1));
        let events = events.map(|(classed, position)| self.append(classed, position, now)).collect::<Result<_, _>>()?;
        Ok(Outcome::Done(Committed { events, revisions }))
    }

    /// Takes places for so many events and entries, whether or not anything comes to stand there: where something stands must
    /// not depend on what became of its neighbours. Gives where those begin.
    pub(in crate::backbone) fn pass_over(&mut self, events: usize, entries: usize) -> Stand {
        let free = self.numbered;
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        self.numbered.position = free.position.saturating_add(wide(events));
        self.numbered.revision = free.revision.saturating_add(wide(entries));
        free
    }

    /// What is kept, by class, old parts first.
    pub(in crate::backbone) fn segments(&self) -> Result<Vec<Segment>, rusqlite::Error> {
        classes::segments(&self.connection)
    }

    /// Lets go of the events of a class up to a position; they are erased later.
    pub(in crate::backbone) fn let_go(&mut self, class: &str, floor: Position) -> Result<(), rusqlite::Error> {
        self.classes.let_go(&self.connection, class, floor)
    }

    /// Erases what was let go among so many rows; whether there is more. A commit of its own.
    pub(in crate::backbone) fn erase_some(&mut self, row_count: u32) -> Result<bool, rusqlite::Error> {
        let Some(part) = classes::part_to_erase(&self.connection, row_count)? else { return Ok(false) };
        let transaction = self.connection.unchecked_transaction()?;
        let erased = self.terms.erase(&transaction, &part)?;
        classes::erase(&transaction, &part)?;
        transaction.commit()?;
        self.terms.forget(&erased);
        Ok(true)
    }

    /// How long a writer without work may wait before it calls [`Self::settle`].
    pub(in crate::backbone) fn pause(&self, otherwise: Duration) -> Duration {
        if self.terms.are_worth_a_commit() { otherwise.min(SETTLE_AFTER) } else { otherwise }
    }

    /// Brings some of what waits for the index into it, if it is much: to be called when there is nothing else to do.
    pub(in crate::backbone) fn settle(&mut self) {
        if self.terms.are_worth_a_commit()
            && let Err(error) = self.together(|ledger| ledger.terms.bring_in_some(&ledger.connection))
        {
            tracing::warn!(%error, "what waits for the index could not be brought in; it is found without");
        }
    }

    /// Only what changes entries does this, so that it happens at the same place in the log everywhere.
    fn forget_expired(&self, now: i64) -> Result<(), rusqlite::Error> {
        self.connection.prepare_cached("DELETE FROM entries WHERE expires <= ?1")?.execute([now])?;
        Ok(())
    }

    fn revision_of(&self, put: &Change<'_>, now: i64) -> Result<Option<Revision>, rusqlite::Error> {
        self.connection
            .prepare_cached(
                "SELECT revision FROM entries WHERE bucket = ?1 AND key = ?2 AND value IS NOT NULL
                 AND (expires IS NULL OR expires > ?3)",
            )?
            .query_row(params![put.bucket, put.key, now], |row| row.get(0))
            .optional()
    }

    fn put(&mut self, put: &Change<'_>, revision: Revision, now: i64) -> Result<Revision, rusqlite::Error> {
        let expires = match put.value {
            Some(_) => put.expires_millis,
            None => Some(now.saturating_add(REMOVED_MILLIS)),
        };
        self.write_entry(put, revision, expires)?;
        Ok(revision)
    }

    pub(super) fn write_entry(
        &mut self,
        put: &Change<'_>,
        revision: Revision,
        expires_millis: Option<i64>,
    ) -> Result<(), rusqlite::Error> {
        self.stand.revision = self.stand.revision.max(revision);
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO entries VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![put.bucket, put.key, put.value, revision, expires_millis])?;
        Ok(())
    }

    fn append(
        &mut self,
        Classed { event, class }: Classed<'_>,
        place: Position,
        now: i64,
    ) -> Result<Appended, rusqlite::Error> {
        let first = self.newest_of(event)?;
        if let Some((position, class, arrived)) = first
            && now.saturating_sub(arrived).abs() < IDENTITY_MILLIS
            && !self.classes.is_let_go(class, position)
        {
            return Ok(Appended { position, is_duplicate: true });
        }
        self.insert(place, now, Classed { event, class })?;
        Ok(Appended { position: place, is_duplicate: false })
    }

    /// Position, class and time of the newest event of the same source and id.
    fn newest_of(&self, event: &NewEvent) -> Result<Option<(Position, i64, i64)>, rusqlite::Error> {
        let term = terms::identity(&event.source, &event.id);
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        for position in self.terms.waiting(term) {
            let found = self
                .connection
                .prepare_cached(
                    "SELECT position, class, arrived FROM events WHERE position = ?1 AND source = ?2 AND id = ?3",
                )?
                .query_row(params![position, event.source, event.id], row)
                .optional()?;
            if found.is_some() {
                return Ok(found);
            }
        }
        self.connection
            .prepare_cached(
                "SELECT position, class, arrived FROM terms CROSS JOIN events USING (position)
                 WHERE term = ?1 AND source = ?2 AND id = ?3 ORDER BY position DESC LIMIT 1",
            )?
            .query_row(params![term, event.source, event.id], row)
            .optional()
    }

    pub(super) fn insert(
        &mut self,
        position: Position,
        arrived: i64,
        Classed { event, class }: Classed<'_>,
    ) -> Result<(), rusqlite::Error> {
        self.stand.position = self.stand.position.max(position);
        let class = self.classes.count(&self.connection, class, (position, arrived, event.json.len()))?;
        let NewEvent { source, id, event_type, subject, correlation_id, principal, json } = event;
        self.connection
            .prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?
            .execute(params![
                position,
                arrived,
                class,
                source,
                id,
                event_type,
                subject,
                correlation_id,
                principal,
                json
            ])?;
        self.terms.add(&self.connection, position, &event.into())
    }
}

/// Unix milliseconds.
pub(in crate::backbone) fn millis(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
