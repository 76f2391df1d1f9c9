//! SQLite's write-ahead log, kept short. SQLite brings the log back into the file by itself, but begins it anew only at
//! a moment when nobody reads; while streams read all the time there is none, and the log would grow for ever.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// Four times what SQLite brings back by itself.
const LONG_BYTES: u64 = 16 * 1024 * 1024;

/// How long commits wait for readers to make room. A reader at work on one query may need longer; then the log is left
/// as it is.
const PATIENCE: Duration = Duration::from_millis(100);

const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// SQLite's own answer to who must wait for whom outside of this file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The log beside a store's file.
pub(in crate::backbone) struct Wal {
    file: PathBuf,
    long_bytes: u64,
    not_before: Option<Instant>,
}

impl Wal {
    pub(super) fn of(store: &Path) -> Self {
        let mut file = store.as_os_str().to_owned();
        file.push("-wal");
        Self { file: file.into(), long_bytes: LONG_BYTES, not_before: None }
    }

    /// To be called by the writer between two transactions.
    pub(in crate::backbone) fn shorten_if_long(&mut self, connection: &Connection) {
        let is_long = std::fs::metadata(&self.file).is_ok_and(|file| file.len() > self.long_bytes);
        let is_early = self.not_before.is_some_and(|time| Instant::now() < time);
        if is_long && !is_early {
            self.shorten(connection);
        }
    }

    /// The same however short it is: a full disk has room for nothing else.
    pub(in crate::backbone) fn shorten(&mut self, connection: &Connection) {
        self.not_before = match shorten(connection) {
            Ok(true) => None,
            Ok(false) => Instant::now().checked_add(AGAIN_AFTER),
            Err(error) => {
                tracing::warn!(%error, "the store's log could not be shortened");
                Instant::now().checked_add(AGAIN_AFTER)
            }
        };
    }
}

/// Whether it was done; nobody was in its way then.
fn shorten(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.busy_timeout(PATIENCE)?;
    let was_busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(!was_busy?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_is_shortened_as_soon_as_no_reader_is_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let writer = Connection::open(&path).unwrap();
        super::super::schema::prepare(&writer, super::super::Durability::Truth).unwrap();
        let mut log = Wal { long_bytes: 1, ..Wal::of(&path) };
        let length = || std::fs::metadata(folder.path().join("store-wal")).unwrap().len();

        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM events").unwrap();
        writer.execute_batch("INSERT INTO entries VALUES ('box', 'k', x'00', 1, NULL)").unwrap();
        let long = length();
        log.shorten_if_long(&writer);
        assert_eq!((length(), log.not_before.is_some()), (long, true));
        reader.execute_batch("COMMIT").unwrap();
        log.shorten_if_long(&writer);
        assert_eq!(length(), long, "it was tried again too early");
        log.not_before = None;
        log.shorten_if_long(&writer);
        assert_eq!((length(), log.not_before), (0, None));
        assert_eq!(writer.query_row("SELECT count(*) FROM entries", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    }
}
