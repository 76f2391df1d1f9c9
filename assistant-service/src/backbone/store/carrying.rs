//! Carrying a store elsewhere as it is: events keep their positions, entries their revisions, so that whoever remembers one finds
//! it again there.

use rusqlite::{Connection, Row, params};

use super::apply::{Change, Classed, Ledger};
use crate::backbone::{Position, Revision};

/// An event as it is kept.
pub(in crate::backbone) struct KeptEvent {
    pub(in crate::backbone) position: Position,
    /// When it came in, in Unix milliseconds.
    pub(in crate::backbone) arrived: i64,
    /// The name of its class.
    pub(in crate::backbone) class: String,
    pub(in crate::backbone) json: String,
}

/// An entry as it is kept.
pub(in crate::backbone) struct KeptEntry {
    pub(in crate::backbone) bucket: String,
    pub(in crate::backbone) key: String,
    pub(in crate::backbone) value: Vec<u8>,
    pub(in crate::backbone) revision: Revision,
    pub(in crate::backbone) expires_millis: Option<i64>,
}

impl Ledger {
    /// How many events are kept, and not let go.
    pub(in crate::backbone) fn count_events(&self) -> Result<u64, rusqlite::Error> {
        let sql = "SELECT count(*) FROM events JOIN classes USING (class) WHERE position > floor";
        self.connection().query_row(sql, [], |row| row.get(0))
    }

    /// At most `limit` kept events beyond a position, in order.
    pub(in crate::backbone) fn kept_events(
        &self,
        after: Position,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, rusqlite::Error> {
        let event = |row: &Row<'_>| {
            Ok(KeptEvent { position: row.get(0)?, arrived: row.get(1)?, class: row.get(2)?, json: row.get(3)? })
        };
        self.connection()
            .prepare_cached(
                "SELECT position, arrived, name, json FROM events CROSS JOIN classes USING (class)
                 WHERE position > ?1 AND position > floor ORDER BY position LIMIT ?2",
            )?
            .query_map(params![after, limit], event)?
            .collect()
    }

    /// At most `limit` entries beyond a revision, in its order.
    pub(in crate::backbone) fn kept_entries(
        &self,
        after: Revision,
        limit: u32,
    ) -> Result<Vec<KeptEntry>, rusqlite::Error> {
        kept_entries(self.connection(), after, limit)
    }

    /// Keeps an event as it was kept elsewhere. To be called within [`Self::together`], for events in their order.
    pub(in crate::backbone) fn carry_event(
        &mut self,
        position: Position,
        arrived: i64,
        event: Classed<'_>,
    ) -> Result<(), rusqlite::Error> {
        self.insert(position, arrived, event)
    }

    /// Keeps an entry as it was kept elsewhere. To be called within [`Self::together`].
    pub(in crate::backbone) fn carry_entry(
        &mut self,
        entry: Change<'_>,
        revision: Revision,
    ) -> Result<(), rusqlite::Error> {
        self.write_entry(&entry, revision, entry.expires_millis)
    }
}

fn kept_entries(connection: &Connection, after: Revision, limit: u32) -> Result<Vec<KeptEntry>, rusqlite::Error> {
    let entry = |row: &Row<'_>| {
        Ok(KeptEntry {
            bucket: row.get(0)?,
            key: row.get(1)?,
            value: row.get(2)?,
            revision: row.get(3)?,
            expires_millis: row.get(4)?,
        })
    };
    connection
        .prepare_cached(
            "SELECT bucket, key, value, revision, expires FROM entries
             WHERE revision > ?1 AND value IS NOT NULL ORDER BY revision LIMIT ?2",
        )?
        .query_map(params![after, limit], entry)?
        .collect()
}

/// The last record that was applied, and all entries as they were after it.
pub(super) fn entries_at_once(connection: &Connection) -> Result<(u64, Vec<KeptEntry>), rusqlite::Error> {
    let moment = connection.unchecked_transaction()?;
    let sequence = moment.query_row("SELECT sequence FROM stand", [], |row| row.get(0))?;
    Ok((sequence, kept_entries(&moment, 0, u32::MAX)?))
}

/// Where the oldest event stands that is not erased yet.
pub(super) fn oldest_position(connection: &Connection) -> Result<Option<Position>, rusqlite::Error> {
    connection.query_row("SELECT min(position) FROM events", [], |row| row.get(0))
}
