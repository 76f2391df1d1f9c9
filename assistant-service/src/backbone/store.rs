//! One file with all that a replica knows: events with what they are found by, and entries. Each form of the backbone keeps one;
//! the embedded form's is the truth, a replica's can be made again from the log.

mod apply;
mod carrying;
mod classes;
mod erasing;
mod files;
mod growing;
mod newest;
mod outcome;
mod pool;
mod query;
mod reader;
mod reading;
mod rebuilding;
mod reserve;
mod schema;
mod terms;
mod wal;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use thiserror::Error;

use super::BackboneError;
use crate::clock::Clock;

pub(super) use apply::{Change, Classed, Ledger, Stand, millis};
pub(super) use carrying::{KeptEntry, KeptEvent};
pub(super) use classes::Segment;
pub(super) use erasing::{Erasing, Step};
pub(super) use growing::Growing;
pub(super) use newest::{Newest, NewestReceivers};
pub(super) use outcome::Outcome;
pub(super) use reader::StoreReaders;
pub(crate) use reading::StoreReader;
pub(crate) use rebuilding::Rebuilt;
pub(super) use reserve::Reserve;
pub(super) use schema::Durability;
pub(super) use wal::Wal;

const FILE: &str = "watchgate.sqlite";

/// A folder with a store that no other process changes.
pub(super) struct StoreFolder {
    path: PathBuf,
    /// Held as long as the store is open: a second process would not see this one's new events.
    lock: File,
}

/// Why a store cannot be opened.
#[derive(Debug, Error)]
pub enum CannotOpen {
    /// The folder or a file in it cannot be made or read.
    #[error(transparent)]
    Folder(#[from] std::io::Error),
    /// Another process has it.
    #[error("another process uses it; end it, or give this one a folder of its own")]
    InUse,
    /// A later version of this program made it.
    #[error(
        "the store has schema version {found}, this program knows {known}: use the program that wrote it, or a newer one"
    )]
    Newer {
        /// What stands in the file.
        found: i64,
        /// What this program writes.
        known: i64,
    },
    /// An earlier version of this program made it, and whoever only reads may not change it.
    #[error("the store has schema version {found}, this program reads {known}: start the service with it once")]
    Older {
        /// What stands in the file.
        found: i64,
        /// What this program reads.
        known: i64,
    },
    /// There is nothing to read.
    #[error("there is no store: {0} is missing")]
    NoStore(PathBuf),
    /// SQLite does not keep what it was given the way that answers promise.
    #[error(
        "the folder's file system does not let SQLite work durably (journal_mode {journal_mode}, synchronous {synchronous}): use a local disk"
    )]
    NotDurable {
        /// How it would keep changes; `wal` is needed.
        journal_mode: String,
        /// How it would sync them.
        synchronous: i64,
    },
    /// It holds what a replica has read of a shared log.
    #[error("it holds a copy of a log on NATS: give --nats, or a folder of its own")]
    Copy,
    /// It holds what is nowhere else.
    #[error(
        "it holds events of its own, and no copy of a log on NATS: move them there with `watchgate events migrate`"
    )]
    Original,
    /// SQLite refused.
    #[error(transparent)]
    Store(#[from] rusqlite::Error),
}

impl StoreFolder {
    /// Takes the folder, or makes it.
    pub(super) fn take(folder: &Path) -> Result<Self, CannotOpen> {
        files::make_private_folder(folder)?;
        let lock = files::open_private(&folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(CannotOpen::InUse),
            Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
        }
        let path = folder.join(FILE);
        // SQLite gives its log the mode of its file.
        files::open_private(&path)?;
        Ok(Self { path, lock })
    }

    /// The writer's side, made when it is not there.
    pub(super) fn ledger(&self, durability: Durability) -> Result<Ledger, CannotOpen> {
        let connection = self.connection(durability)?;
        terms::catch_up(&connection, terms::MANY_EVENTS)?;
        Ok(Ledger::over(connection)?)
    }

    fn connection(&self, durability: Durability) -> Result<Connection, CannotOpen> {
        let connection = Connection::open(&self.path)?;
        plan_once(&connection)?;
        schema::prepare(&connection, durability)?;
        Ok(connection)
    }

    /// Throws the store away; nobody may have it open.
    pub(super) fn empty(&self) -> Result<(), std::io::Error> {
        // The log first: beside a new file it would be taken for its own.
        for end in ["-wal", "-shm", ""] {
            let mut file = self.path.clone().into_os_string();
            file.push(end);
            match std::fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        files::open_private(&self.path).map(drop)
    }

    /// The readers' side.
    pub(super) fn readers(&self, clock: Arc<dyn Clock>) -> Result<StoreReaders, CannotOpen> {
        let read_only = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&self.path, flags)?;
            plan_once(&connection)?;
            Ok(connection)
        };
        Ok(StoreReaders::open(read_only, clock)?)
    }

    /// SQLite's own log beside the file.
    pub(super) fn wal(&self) -> Wal {
        Wal::of(&self.path)
    }

    /// Room that is held for a full disk.
    pub(super) fn reserve(&self) -> Reserve {
        Reserve::below(self.path.parent().unwrap_or(&self.path))
    }

    /// Whether the files may grow.
    pub(super) fn growing(&self) -> Growing {
        Growing::of(&self.path)
    }

    /// What keeps others out; to be dropped last.
    pub(super) fn into_lock(self) -> File {
        self.lock
    }
}

/// Keeps the plan of a statement whatever values it is given. Otherwise SQLite looks at them, and makes a plan anew as soon as
/// they are taken away, which is after each use of a cached statement.
fn plan_once(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Makes again what the store below `folder` keeps beside the events themselves; nobody else may have it meanwhile.
pub(crate) fn rebuild(folder: &Path, progress: impl FnMut(u64)) -> Result<Rebuilt, CannotOpen> {
    if !folder.join(FILE).try_exists()? {
        return Err(CannotOpen::NoStore(folder.join(FILE)));
    }
    let folder = StoreFolder::take(folder)?;
    Ok(rebuilding::rebuild(&folder.connection(Durability::Truth)?, progress)?)
}

/// Whether there was no room, for the file, its log, or the log's index.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

impl From<rusqlite::Error> for BackboneError {
    fn from(error: rusqlite::Error) -> Self {
        if is_full(&error) { Self::Full } else { Self::Unavailable(error.to_string()) }
    }
}
