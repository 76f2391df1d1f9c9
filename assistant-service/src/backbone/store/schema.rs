//! The tables, and the version by which a program knows that they are its own.

use rusqlite::Connection;

use super::CannotOpen;

const VERSION: i64 = 3;

/// What the writer keeps of the file in memory: new terms go anywhere in the index.
const WRITER_CACHE_KIBIBYTES: i64 = 64 * 1024;

/// Whether a commit must outlive a loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backbone) enum Durability {
    /// The file is the truth: every commit is synced.
    Truth,
    /// The file can be made again: it stays whole, but may lose what came last.
    Rebuildable,
}

impl Durability {
    /// As SQLite numbers them: FULL syncs its log at every commit, NORMAL only before it is brought back into the file.
    fn synchronous(self) -> i64 {
        match self {
            Self::Truth => 2,
            Self::Rebuildable => 1,
        }
    }
}

/// The columns beside `json` are what events are found by; all but `arrived` and `class` stand in the JSON too.
const TABLES: &str = "
CREATE TABLE stand (
    position INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    record TEXT NOT NULL,
    entries_from INTEGER NOT NULL,
    indexed INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO stand VALUES (0, 0, 0, '', 0, 0);
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    arrived INTEGER NOT NULL,
    class INTEGER NOT NULL,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT,
    correlation_id TEXT,
    principal TEXT,
    json TEXT NOT NULL
) STRICT;
CREATE TABLE classes (
    class INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    floor INTEGER NOT NULL DEFAULT 0,
    erased INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE segments (
    class INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    events INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (class, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE entries (
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB,
    revision INTEGER NOT NULL,
    expires INTEGER,
    PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX entries_by_revision ON entries (bucket, revision);
CREATE INDEX entries_by_end ON entries (expires) WHERE expires IS NOT NULL;
";

/// What events are found by, as [`super::terms`] makes it.
const TERMS: &str = "
CREATE TABLE terms (
    term INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (term, position)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 3;
";

/// What version 1 kept, in the tables of this one. It did not know when an event came in: no earlier than those before it, and not in
/// the future.
const FROM_VERSION_1: &str = "
INSERT INTO classes (class, name) VALUES (1, 'default');
INSERT INTO events SELECT position,
    max(min(coalesce(unixepoch(json ->> 'time'), 0), unixepoch()) * 1000) OVER (ORDER BY position), 1, source, id, type,
    subject, correlation_id, json ->> 'authid', json FROM old_events ORDER BY position;
INSERT INTO segments SELECT 1, min(position), max(position), max(arrived), count(*), sum(bytes) FROM
    (SELECT position, arrived, octet_length(json) AS bytes,
        sum(octet_length(json)) OVER (ORDER BY position) / 8388608 AS part FROM events)
    GROUP BY part, arrived / 600000;
INSERT INTO entries SELECT bucket, key, value, revision, NULL FROM old_entries;
UPDATE stand SET revision = (SELECT revision FROM newest_revision),
    position = coalesce((SELECT seq FROM sqlite_sequence WHERE name IN ('events', 'old_events')), 0);
DROP TABLE old_events;
DROP TABLE old_entries;
DROP TABLE newest_revision;
";

/// Version 2 had an index of SQLite's own for each column.
const FROM_VERSION_2: &str = "
ALTER TABLE stand ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;
DROP INDEX events_by_identity;
DROP INDEX events_by_source;
DROP INDEX events_by_type;
DROP INDEX events_by_subject;
DROP INDEX events_by_correlation;
DROP INDEX events_by_principal;
";

/// Sets the connection up for writing and makes the tables that are missing.
pub(super) fn prepare(connection: &Connection, durability: Durability) -> Result<(), CannotOpen> {
    let found = version(connection)?;
    if found > VERSION {
        return Err(CannotOpen::Newer { found, known: VERSION });
    }
    let journal_mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    connection.pragma_update(None, "synchronous", durability.synchronous())?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIBIBYTES)?;
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    // SQLite may keep a setting as it was without a word, as it does on file systems that know no shared memory.
    if journal_mode != "wal" || synchronous != durability.synchronous() {
        return Err(CannotOpen::NotDurable { journal_mode, synchronous });
    }
    match found {
        0 => connection.execute_batch(&format!("BEGIN IMMEDIATE;{TABLES}{TERMS}COMMIT;"))?,
        1 => {
            let aside = "ALTER TABLE events RENAME TO old_events; ALTER TABLE entries RENAME TO old_entries;";
            // Their indexes go with the old tables, but their names are taken until then.
            connection.execute_batch(&format!("BEGIN IMMEDIATE;{aside}{TABLES}{FROM_VERSION_1}{TERMS}COMMIT;"))?;
        }
        2 => connection.execute_batch(&format!("BEGIN IMMEDIATE;{FROM_VERSION_2}{TERMS}COMMIT;"))?,
        _ => {}
    }
    Ok(())
}

/// For whoever only reads: the tables must be as they are known here.
pub(super) fn check(connection: &Connection) -> Result<(), CannotOpen> {
    match version(connection)? {
        VERSION => Ok(()),
        found if found > VERSION => Err(CannotOpen::Newer { found, known: VERSION }),
        found => Err(CannotOpen::Older { found, known: VERSION }),
    }
}

fn version(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_of_the_truth_is_synced_in_full() {
        let folder = tempfile::tempdir().unwrap();
        let writer = Connection::open(folder.path().join("store")).unwrap();
        prepare(&writer, Durability::Truth).unwrap();
        let journal_mode: String = writer.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        let synchronous: i64 = writer.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        assert_eq!((journal_mode.as_str(), synchronous), ("wal", 2));
        let in_memory = prepare(&Connection::open_in_memory().unwrap(), Durability::Truth);
        assert!(matches!(in_memory, Err(CannotOpen::NotDurable { .. })));
    }

    #[test]
    fn a_store_of_version_1_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let store = Connection::open(folder.path().join("store")).unwrap();
        store.execute_batch(VERSION_1).unwrap();
        store
            .execute_batch(
                r#"INSERT INTO events VALUES (7, 's', 'i', 't', NULL, 'c',
                       '{"time":"2026-03-01T12:00:00.5Z","authid":"https://issuer.example#ada"}');
                   INSERT INTO events VALUES (9, 's', 'gone', 't', NULL, NULL, '{}');
                   DELETE FROM events WHERE position = 9;
                   INSERT INTO entries VALUES ('b', 'k', x'01', 3);
                   UPDATE newest_revision SET revision = 5;"#,
            )
            .unwrap();
        prepare(&store, Durability::Truth).unwrap();
        let row = |sql: &str| {
            store.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?))).unwrap()
        };
        let principal = Some("https://issuer.example#ada".to_owned());
        assert_eq!(row("SELECT arrived, principal FROM events WHERE position = 7"), (1_772_366_400_000, principal));
        assert_eq!(row("SELECT position, revision || '' FROM stand"), (9, Some("5".to_owned())));
        assert_eq!(row("SELECT revision, key FROM entries"), (3, Some("k".to_owned())));
        assert_eq!(
            row("SELECT events, name FROM segments JOIN classes USING (class)"),
            (1, Some("default".to_owned()))
        );
        prepare(&store, Durability::Truth).unwrap();
    }

    /// As version 1 made it.
    const VERSION_1: &str = "
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
        PRAGMA user_version = 1;";
}
