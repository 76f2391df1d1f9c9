//! The embedded form of the backbone: one SQLite file, one writer that shares each fsync among all who wait, and a few
//! readers beside it.

mod writer;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::{mpsc, oneshot, watch};

use super::retention::Retention;
use super::store::{CannotOpen, Durability, Ledger, Newest, NewestReceivers, StoreFolder, StoreReaders};
use super::{
    Backbone, BackboneError, Batch, Change, Committed, Entry, EventFilter, Page, Position, Revision, Standing,
};
use crate::clock::Clock;
use writer::{Job, Writer};

/// Jobs that may wait for the writer; whoever comes then waits before the queue.
const QUEUE_JOBS: usize = 1024;

/// A backbone in one file below a folder that no other process uses.
pub struct SqliteBackbone {
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    readers: StoreReaders,
    newest: NewestReceivers,
    /// Always current: nobody else writes.
    standing: watch::Sender<Standing>,
    _lock: File,
}

impl SqliteBackbone {
    /// Opens the store below `folder`, or makes it. `jobs_per_commit` is told how many jobs shared each commit.
    pub fn open(
        folder: &Path,
        retention: Retention,
        clock: Arc<dyn Clock>,
        jobs_per_commit: Histogram,
    ) -> Result<Self, CannotOpen> {
        let folder = StoreFolder::take(folder)?;
        let ledger = folder.ledger(Durability::Truth)?;
        if ledger.stand().sequence > 0 {
            return Err(CannotOpen::Copy);
        }
        Self::start(folder, ledger, retention, clock, jobs_per_commit)
    }

    fn start(
        folder: StoreFolder,
        ledger: Ledger,
        retention: Retention,
        clock: Arc<dyn Clock>,
        jobs_per_commit: Histogram,
    ) -> Result<Self, CannotOpen> {
        let (newest, receivers) = Newest::channel(ledger.stand());
        let (jobs, waiting) = mpsc::channel(QUEUE_JOBS);
        let readers = folder.readers(Arc::clone(&clock))?;
        let (wal, reserve, growing) = (folder.wal(), folder.reserve(), folder.growing());
        let writer = Writer { ledger, wal, reserve, growing, retention, clock, newest, jobs_per_commit };
        let writer =
            std::thread::Builder::new().name("backbone-writer".to_owned()).spawn(move || writer.run(waiting))?;
        Ok(Self {
            jobs: Some(jobs),
            writer: Some(writer),
            readers,
            newest: receivers,
            standing: watch::Sender::new(Standing::Current),
            _lock: folder.into_lock(),
        })
    }
}

#[cfg(test)]
impl SqliteBackbone {
    /// A store without classes whose writer has one of SQLite's settings changed.
    pub(crate) fn open_with_setting(
        folder: &Path,
        (name, value): (&str, i64),
        clock: Arc<dyn Clock>,
        jobs_per_commit: Histogram,
    ) -> Self {
        let folder = StoreFolder::take(folder).unwrap();
        let ledger = folder.ledger(Durability::Truth).unwrap();
        ledger.connection().pragma_update(None, name, value).unwrap();
        Self::start(folder, ledger, Retention::default(), clock, jobs_per_commit).unwrap()
    }

    /// Ends every look through events after so long.
    pub(crate) fn look_for(&mut self, look: std::time::Duration) {
        self.readers.look_for(look);
    }
}

impl Drop for SqliteBackbone {
    fn drop(&mut self) {
        // The writer's connection goes last, because only it can bring SQLite's log back into the file. It ends when
        // nobody can send any more; then what was queued is durable.
        self.readers.close();
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
            let (answer, _batch) = answered.await.map_err(|_| gone())?;
            answer
        }
        .boxed()
    }

    fn get(&self, bucket: &'static str, key: String) -> BoxFuture<'_, Result<Option<Entry>, BackboneError>> {
        self.readers.get(bucket, key).boxed()
    }

    fn list(
        &self,
        bucket: &'static str,
        before: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Entry>, BackboneError>> {
        self.readers.list(bucket, before, limit).boxed()
    }

    fn changes(
        &self,
        bucket: &'static str,
        after: Revision,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, BackboneError>> {
        self.readers.changes(bucket, after, limit).boxed()
    }

    fn query(&self, filter: EventFilter) -> BoxFuture<'_, Result<Page, BackboneError>> {
        self.readers.query(filter).boxed()
    }

    fn newest_position(&self) -> watch::Receiver<Position> {
        self.newest.position.clone()
    }

    fn newest_revision(&self) -> watch::Receiver<Revision> {
        self.newest.revision.clone()
    }

    fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }
}

#[cfg(test)]
mod tests;
