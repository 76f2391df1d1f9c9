//! A store that this process only reads, beside whoever writes it: for exports and backups.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use thiserror::Error;

use super::{CannotOpen, FILE, files, query, schema, terms};
use crate::backbone::{BackboneError, EventFilter, Page, Position};

/// A store as it is read.
pub(crate) struct StoreReader {
    connection: Connection,
    /// Where the newest event stood when this was opened.
    newest: Position,
}

/// Why there is no backup.
#[derive(Debug, Error)]
pub(crate) enum CannotBackUp {
    /// A backup is never written over something else.
    #[error("{0} is there already")]
    IsThere(PathBuf),
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// SQLite could not copy it.
    #[error(transparent)]
    Store(#[from] rusqlite::Error),
}

impl StoreReader {
    /// Opens the store below `folder`, which must be there.
    pub(crate) fn open(folder: &Path) -> Result<Self, CannotOpen> {
        let path = folder.join(FILE);
        if !path.try_exists()? {
            return Err(CannotOpen::NoStore(path));
        }
        let connection =
            Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        super::plan_once(&connection)?;
        schema::check(&connection)?;
        let newest = newest_position(&connection)?;
        Ok(Self { connection, newest })
    }

    /// A part of what matches, as a replica would give it.
    pub(crate) fn query(&self, filter: &EventFilter) -> Result<Page, BackboneError> {
        Ok(query::query_within(query::LOOK, &self.connection, filter)?)
    }

    /// The newest event's position.
    pub(crate) fn newest_position(&self) -> Result<Position, BackboneError> {
        Ok(newest_position(&self.connection)?)
    }

    /// Whether there is an event of this identity, however old. What came in after this was opened need not be known yet.
    pub(crate) fn has(&self, source: &str, id: &str) -> Result<bool, BackboneError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT 1 FROM terms CROSS JOIN events USING (position) WHERE term = ?3 AND source = ?1 AND id = ?2
             UNION ALL
             SELECT 1 FROM events WHERE position > (SELECT indexed FROM stand) AND position <= ?4 AND source = ?1 AND id = ?2
             LIMIT 1",
        )?;
        let values = params![source, id, terms::identity(source, id), self.newest];
        Ok(statement.query_row(values, |_| Ok(())).optional()?.is_some())
    }

    /// Writes what the store holds at one moment into a new file, which is on stable storage when this returns, and until then
    /// has another name. Gives its size.
    pub(crate) fn back_up(&self, to: &Path) -> Result<u64, CannotBackUp> {
        if to.try_exists()? {
            return Err(CannotBackUp::IsThere(to.to_owned()));
        }
        let mut partial = to.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        match std::fs::remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let written = self.write_into(&partial);
        // A link fails where a rename would write over what somebody else has put there meanwhile.
        let linked = written.and_then(|bytes| {
            std::fs::hard_link(&partial, to)?;
            Ok(bytes)
        });
        let removed = std::fs::remove_file(&partial);
        let bytes = linked?;
        removed?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        Ok(bytes)
    }

    fn write_into(&self, partial: &Path) -> Result<u64, CannotBackUp> {
        // SQLite writes into an empty file that is there, and keeps its mode.
        let file = files::open_private(partial)?;
        let name = partial.to_str().ok_or_else(|| io::Error::other("the name of a backup must be UTF-8"))?;
        self.connection.execute("VACUUM INTO ?1", [name])?;
        // Of a replica too the copy is a store of its own, to be served or moved as it is.
        let copy = Connection::open(partial)?;
        copy.execute("UPDATE stand SET sequence = 0, record = '', entries_from = 0", [])?;
        copy.close().map_err(|(_, error)| error)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

fn newest_position(connection: &Connection) -> Result<Position, rusqlite::Error> {
    connection.query_row("SELECT position FROM stand", [], |row| row.get(0))
}
