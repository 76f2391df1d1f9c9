//! What SQLite itself can do: prepared inserts of the rows that the service would write, into tables as the service makes them, one
//! thread, one transaction for each batch, synced in full.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use assistant_service::backbone::retention::Retention;
use assistant_service::backbone::sqlite::SqliteBackbone;
use assistant_service::clock::SystemClock;
use assistant_service::metrics::Metrics;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::event::{BATCH, Event, KEPT_TIME, SOURCE, TYPE};

/// Where a store's file lies below its folder.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("watchgate.sqlite")
}

/// Whether the table has an index of SQLite's own for whatever queries stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indexes {
    Plain,
    None,
}

/// Those that the schema would have if it were left to SQLite.
const PLAIN_INDEXES: &str = "
CREATE INDEX events_by_identity ON events (source, id);
CREATE INDEX events_by_source ON events (source);
CREATE INDEX events_by_type ON events (type);
CREATE INDEX events_by_subject ON events (subject) WHERE subject IS NOT NULL;
CREATE INDEX events_by_correlation ON events (correlation_id) WHERE correlation_id IS NOT NULL;
CREATE INDEX events_by_principal ON events (principal) WHERE principal IS NOT NULL;
";

/// A table of events, and the next event's number.
pub(crate) struct Table {
    connection: Connection,
    next: u64,
}

/// As it goes into the table.
struct Row {
    number: u64,
    id: String,
    subject: String,
    correlation_id: String,
    json: String,
}

impl Row {
    fn of(number: u64) -> Row {
        let event = Event(number);
        let (id, subject, correlation_id) = (event.id(), event.subject(), event.correlation_id());
        Row { number, id, subject, correlation_id, json: event.kept() }
    }
}

/// Opens the embedded form below a folder.
pub(crate) fn open(folder: &Path) -> Result<SqliteBackbone> {
    let histogram = Metrics::default().jobs_per_commit;
    Ok(SqliteBackbone::open(folder, Retention::default(), Arc::new(SystemClock), histogram)?)
}

impl Table {
    /// A new one, made by the service's own code.
    pub(crate) fn make(folder: &Path, indexes: Indexes) -> Result<Table> {
        drop(open(folder)?);
        let connection = Connection::open(file(folder))?;
        let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        ensure!(mode == "wal", "SQLite chose {mode}");
        if indexes == Indexes::Plain {
            connection.execute_batch(PLAIN_INDEXES)?;
        }
        Ok(Table { connection, next: 0 })
    }

    /// Inserts so many events; gives how many in a second. Rows are made before the clock runs.
    pub(crate) fn insert(&mut self, events: u64) -> Result<f64> {
        let rows: Vec<Row> = (self.next..self.next + events).map(Row::of).collect();
        self.next += events;
        let begun = Instant::now();
        for batch in rows.chunks(BATCH as usize) {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            let mut insert =
                self.connection.prepare_cached("INSERT INTO events VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?3, ?8)")?;
            for Row { number, id, subject, correlation_id, json } in batch {
                let number = i64::try_from(*number)? + 1;
                insert.execute(params![
                    number,
                    1_772_366_400_123_i64 + number,
                    SOURCE,
                    id,
                    TYPE,
                    subject,
                    correlation_id,
                    json
                ])?;
            }
            drop(insert);
            self.connection.execute_batch("COMMIT")?;
        }
        Ok(events as f64 / begun.elapsed().as_secs_f64())
    }
}

/// That a service has written the very rows that are inserted here, but for the time.
pub(crate) fn check_same_rows(folder: &Path) -> Result<()> {
    let connection = Connection::open(file(folder))?;
    let sql = "SELECT type, subject, correlation_id, principal, json, json ->> 'time' FROM events WHERE source = ?1 AND id = ?2";
    let wanted = Row::of(1);
    let found = connection
        .query_row(sql, params![SOURCE, wanted.id], |row| {
            let text = |index| row.get::<_, String>(index);
            Ok((text(0)?, text(1)?, text(2)?, text(3)?, text(4)?.replace(&text(5)?, KEPT_TIME)))
        })
        .optional()?;
    let wanted = (TYPE.to_owned(), wanted.subject, wanted.correlation_id, SOURCE.to_owned(), wanted.json);
    ensure!(found.as_ref() == Some(&wanted), "the service wrote {found:?}, and the bare loop {wanted:?}");
    Ok(())
}
