//! The embedded form of the backbone: one SQLite file, one writer that shares each fsync among all who wait, and a few
//! readers beside it.

mod files;
mod log;
mod pool;
mod reader;
mod schema;
mod writer;

use std::fs::File;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use prometheus_client::metrics::histogram::Histogram;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use super::{Backbone, BackboneError, Batch, Committed, Entry, EventFilter, Page, Position};
use log::Log;
use pool::Readers;
use writer::Job;

/// Jobs that may wait for the writer; whoever comes then waits before the queue.
const QUEUE_JOBS: usize = 1024;

/// SQLite readers work side by side in WAL mode; more of them than cores only hold memory.
const EVENT_READERS: usize = 4;

/// Entries have readers of their own: a sign of life must not wait for somebody's search through the log.
const ENTRY_READERS: usize = 2;

/// How long one query of events may take.
const QUERY_TIME: Duration = Duration::from_secs(5);

/// A backbone in one file below a folder that no other process uses.
pub struct SqliteBackbone {
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    event_readers: Readers,
    entry_readers: Readers,
    newest: watch::Receiver<Position>,
    /// Held as long as the store is open: a second process would not see this one's new events.
    _lock: File,
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
    /// SQLite does not keep what it was given the way that answers promise.
    #[error(
        "the folder's file system does not let SQLite work durably (journal_mode {journal_mode}, synchronous {synchronous}): use a local disk"
    )]
    NotDurable {
        /// How it would keep changes; `wal` is needed.
        journal_mode: String,
        /// How it would sync them; 2 is needed.
        synchronous: i64,
    },
    /// SQLite refused.
    #[error(transparent)]
    Store(#[from] rusqlite::Error),
}

impl SqliteBackbone {
    /// Opens the store below `folder`, or makes it. `jobs_per_commit` is told how many jobs shared each commit.
    pub fn open(folder: &Path, jobs_per_commit: Histogram) -> Result<Self, CannotOpen> {
        files::make_private_folder(folder)?;
        let lock = files::open_private(&folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(CannotOpen::InUse),
            Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
        }
        let path = folder.join("watchgate.sqlite");
        // SQLite gives its log the mode of its file.
        files::open_private(&path)?;
        let connection = Connection::open(&path)?;
        schema::prepare(&connection)?;
        Self::start(connection, &path, jobs_per_commit, lock)
    }

    fn start(connection: Connection, path: &Path, jobs_per_commit: Histogram, lock: File) -> Result<Self, CannotOpen> {
        let newest_position = schema::newest_position(&connection)?;
        let (newest_sender, newest) = watch::channel(newest_position);
        let (jobs, waiting) = mpsc::channel(QUEUE_JOBS);
        let read_only = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(path, flags)
        };
        let event_readers = Readers::open(EVENT_READERS, read_only)?;
        let entry_readers = Readers::open(ENTRY_READERS, read_only)?;
        let log = Log::of(path);
        let writer = std::thread::Builder::new()
            .name("backbone-writer".to_owned())
            .spawn(move || writer::run(&connection, log, waiting, &newest_sender, &jobs_per_commit))?;
        Ok(Self { jobs: Some(jobs), writer: Some(writer), event_readers, entry_readers, newest, _lock: lock })
    }
}

impl Drop for SqliteBackbone {
    fn drop(&mut self) {
        // The writer's connection goes last, because only it can bring SQLite's log back into the file. It ends when
        // nobody can send any more; then what was queued is durable.
        self.event_readers.close();
        self.entry_readers.close();
        drop(self.jobs.take());
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of the store ended by a panic");
        }
    }
}

impl Backbone for SqliteBackbone {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, BackboneError>> {
        async move {
            let (answer, answered) = oneshot::channel();
            let gone = || BackboneError::Unavailable("its writer has ended".to_owned());
            let jobs = self.jobs.as_ref().ok_or_else(gone)?;
            jobs.send(Job { batch, answer }).await.map_err(|_| gone())?;
            answered.await.map_err(|_| gone())?
        }
        .boxed()
    }

    fn get(&self, bucket: &'static str, key: String) -> BoxFuture<'_, Result<Option<Entry>, BackboneError>> {
        self.entry_readers.read(move |connection| reader::get(connection, bucket, &key)).boxed()
    }

    fn list(
        &self,
        bucket: &'static str,
        before: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Entry>, BackboneError>> {
        self.entry_readers.read(move |connection| reader::list(connection, bucket, before.as_deref(), limit)).boxed()
    }

    fn query(&self, filter: EventFilter) -> BoxFuture<'_, Result<Page, BackboneError>> {
        self.event_readers.read(move |connection| reader::query_within(QUERY_TIME, connection, &filter)).boxed()
    }

    fn subscribe(&self) -> watch::Receiver<Position> {
        self.newest.clone()
    }
}

impl From<rusqlite::Error> for BackboneError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            // Only the bound on a query's time interrupts anything.
            Some(ErrorCode::OperationInterrupted) => Self::QueryTooLong,
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
