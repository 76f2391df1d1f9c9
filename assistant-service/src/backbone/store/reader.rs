//! What is read of a store, off the async threads.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::apply::millis;
use super::carrying::{self, KeptEntry};
use super::classes::{self, Segment};
use super::pool::Readers;
use super::query;
use crate::backbone::{BackboneError, Change, Entry, EventFilter, Page, Position, Revision};
use crate::clock::Clock;

/// SQLite readers work side by side in WAL mode; more of them than cores only hold memory.
const EVENT_READERS: usize = 4;

/// Entries have readers of their own: a sign of life must not wait for somebody's search through the log.
const ENTRY_READERS: usize = 2;

/// The readers of one store.
pub(in crate::backbone) struct StoreReaders {
    events: Readers,
    entries: Readers,
    clock: Arc<dyn Clock>,
    /// How long one look through events may take.
    look: Duration,
}

impl StoreReaders {
    pub(super) fn open(
        open: impl Fn() -> Result<Connection, rusqlite::Error>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, rusqlite::Error> {
        let (events, entries) = (Readers::open(EVENT_READERS, &open)?, Readers::open(ENTRY_READERS, &open)?);
        Ok(Self { events, entries, clock, look: query::LOOK })
    }

    /// Closes the connections that nobody uses.
    pub(in crate::backbone) fn close(&self) {
        self.events.close();
        self.entries.close();
    }

    pub(in crate::backbone) async fn get(
        &self,
        bucket: &'static str,
        key: String,
    ) -> Result<Option<Entry>, BackboneError> {
        let now = millis(self.clock.now());
        self.entries.read(move |connection| get(connection, bucket, &key, now)).await
    }

    pub(in crate::backbone) async fn list(
        &self,
        bucket: &'static str,
        before: Option<String>,
        limit: u32,
    ) -> Result<Vec<Entry>, BackboneError> {
        let now = millis(self.clock.now());
        self.entries.read(move |connection| list(connection, (bucket, before.as_deref()), limit, now)).await
    }

    pub(in crate::backbone) async fn changes(
        &self,
        bucket: &'static str,
        after: Revision,
        limit: u32,
    ) -> Result<Vec<Change>, BackboneError> {
        let now = millis(self.clock.now());
        self.entries.read(move |connection| changes(connection, (bucket, after), limit, now)).await
    }

    pub(in crate::backbone) async fn query(&self, filter: EventFilter) -> Result<Page, BackboneError> {
        let look = self.look;
        self.events.read(move |connection| query::query_within(look, connection, &filter)).await
    }

    /// Ends every look after so long.
    #[cfg(test)]
    pub(in crate::backbone) fn look_for(&mut self, look: Duration) {
        self.look = look;
    }

    /// What is kept, by class, old parts first.
    pub(in crate::backbone) async fn segments(&self) -> Result<Vec<Segment>, BackboneError> {
        self.entries.read(classes::segments).await
    }

    /// The last record that was applied, and all entries as they were after it.
    pub(in crate::backbone) async fn entries_at_once(&self) -> Result<(u64, Vec<KeptEntry>), BackboneError> {
        self.entries.read(carrying::entries_at_once).await
    }

    /// Where the oldest event stands that is not erased yet.
    pub(in crate::backbone) async fn oldest_position(&self) -> Result<Option<Position>, BackboneError> {
        self.entries.read(carrying::oldest_position).await
    }

    /// Every reader of events, as if each were at work.
    #[cfg(test)]
    pub(in crate::backbone) async fn all_events(&self) -> tokio::sync::SemaphorePermit<'_> {
        self.events.all().await
    }
}

fn get(connection: &Connection, bucket: &str, key: &str, now: i64) -> Result<Option<Entry>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT key, value, revision FROM entries WHERE bucket = ?1 AND key = ?2 AND value IS NOT NULL
             AND (expires IS NULL OR expires > ?3)",
        )?
        .query_row(params![bucket, key, now], entry)
        .optional()
}

fn list(
    connection: &Connection,
    (bucket, before): (&str, Option<&str>),
    limit: u32,
    now: i64,
) -> Result<Vec<Entry>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT key, value, revision FROM entries
             WHERE bucket = ?1 AND (?2 IS NULL OR key < ?2) AND value IS NOT NULL AND (expires IS NULL OR expires > ?4)
             ORDER BY key DESC LIMIT ?3",
        )?
        .query_map(params![bucket, before, limit, now], entry)?
        .collect()
}

fn entry(row: &Row<'_>) -> Result<Entry, rusqlite::Error> {
    Ok(Entry { key: row.get(0)?, value: row.get(1)?, revision: row.get(2)? })
}

fn changes(
    connection: &Connection,
    (bucket, after): (&str, Revision),
    limit: u32,
    now: i64,
) -> Result<Vec<Change>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT key, value, revision FROM entries INDEXED BY entries_by_revision
             WHERE bucket = ?1 AND revision > ?2 AND (value IS NULL OR expires IS NULL OR expires > ?4)
             ORDER BY revision LIMIT ?3",
        )?
        .query_map(params![bucket, after, limit, now], |row| {
            Ok(Change { key: row.get(0)?, value: row.get(1)?, revision: row.get(2)? })
        })?
        .collect()
}
