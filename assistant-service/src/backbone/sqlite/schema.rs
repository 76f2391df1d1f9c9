//! The tables, and the version by which a program knows that they are its own.

use rusqlite::Connection;

use super::CannotOpen;
use crate::backbone::Position;

const VERSION: i64 = 1;

/// What SQLite calls `FULL` when it is asked.
const FULL: i64 = 2;

/// `AUTOINCREMENT`, because a position must not come back after the newest events were removed.
const TABLES: &str = "
BEGIN IMMEDIATE;
CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT,
    correlation_id TEXT,
    json TEXT NOT NULL,
    UNIQUE (source, id)
) STRICT;
CREATE INDEX events_by_source ON events (source);
CREATE INDEX events_by_type ON events (type);
CREATE INDEX events_by_subject ON events (subject) WHERE subject IS NOT NULL;
CREATE INDEX events_by_correlation ON events (correlation_id) WHERE correlation_id IS NOT NULL;
CREATE TABLE entries (
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE newest_revision (revision INTEGER NOT NULL) STRICT;
INSERT INTO newest_revision VALUES (0);
PRAGMA user_version = 1;
COMMIT;
";

/// Sets the connection up for writing and makes the tables that are missing.
pub(super) fn prepare(connection: &Connection) -> Result<(), CannotOpen> {
    let found = version(connection)?;
    if found > VERSION {
        return Err(CannotOpen::Newer { found, known: VERSION });
    }
    let journal_mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    // FULL syncs the log at every commit: an answer given is an event kept, whatever happens to the power.
    connection.pragma_update(None, "synchronous", "FULL")?;
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    // SQLite may keep a setting as it was without a word, as it does on file systems that know no shared memory.
    if journal_mode != "wal" || synchronous != FULL {
        return Err(CannotOpen::NotDurable { journal_mode, synchronous });
    }
    if found == 0 {
        connection.execute_batch(TABLES)?;
    }
    Ok(())
}

fn version(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// The position of the newest event; 0 when there is none.
pub(super) fn newest_position(connection: &Connection) -> Result<Position, rusqlite::Error> {
    connection.query_row("SELECT COALESCE(MAX(position), 0) FROM events", [], |row| row.get(0))
}
