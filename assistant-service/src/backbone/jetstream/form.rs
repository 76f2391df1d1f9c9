//! The form of many replicas: one log on NATS JetStream, and in each replica a store that is made from it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use async_nats::jetstream::stream::Stream;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use prometheus_client::metrics::histogram::Histogram;
use thiserror::Error;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::applier::{Applied, Applier, Numbering};
use super::barrier::{self, Asking, Barrier, Place};
use super::follower::Follower;
use super::in_hand;
use super::job::{Job, Pending};
use super::publisher::{CHANGES_PER_RECORD, Publisher};
use super::retaining::Retaining;
use super::snapshot;
use super::stream::subject;
use super::{CannotConnect, CannotOpenStream, Connection, StreamSettings, connect, ensure_stream};
use crate::backbone::retention::Retention;
use crate::backbone::store::{CannotOpen, Durability, Ledger, Newest, NewestReceivers, StoreFolder, StoreReaders};
use crate::backbone::{
    Backbone, BackboneError, Batch, Change, Committed, Entry, EventFilter, Freshness, Page, Position, Revision,
    Standing,
};
use crate::clock::Clock;

/// Jobs that may wait for the log; whoever comes then waits before the queue.
const QUEUE_JOBS: usize = 1024;

/// Between two questions whether all is known.
const PAUSE: Duration = Duration::from_millis(50);

const SAY_EVERY: Duration = Duration::from_secs(5);

/// A backbone whose log other replicas share.
pub struct JetStreamBackbone {
    jobs: Option<mpsc::Sender<Job>>,
    readers: Arc<StoreReaders>,
    barrier: Barrier,
    newest: NewestReceivers,
    standing: watch::Receiver<Standing>,
    applied: watch::Receiver<Applied>,
    retaining: Arc<Retaining>,
    /// Ended with this.
    _tasks: JoinSet<()>,
    /// The thread that applies records, and what ends it: it must not wait for a task that may never be run again.
    applier: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    _lock: File,
}

/// Why a replica cannot begin.
#[derive(Debug, Error)]
pub enum CannotJoin {
    /// No server.
    #[error(transparent)]
    Connect(#[from] CannotConnect),
    /// No log.
    #[error(transparent)]
    Stream(#[from] CannotOpenStream),
    /// No store of its own.
    #[error(transparent)]
    Store(#[from] CannotOpen),
    /// No thread.
    #[error(transparent)]
    Thread(#[from] std::io::Error),
    /// The log cannot be read.
    #[error("the log cannot be read: {0}")]
    Log(String),
}

impl JetStreamBackbone {
    /// Joins the log that `settings` name, with a store below `folder` that is made from it. Returns when this replica knows all
    /// that the log held. `jobs_per_record` is told how many jobs shared each record.
    pub async fn join(
        folder: &Path,
        settings: &StreamSettings,
        retention: Retention,
        clock: Arc<dyn Clock>,
        jobs_per_record: Histogram,
    ) -> Result<Self, CannotJoin> {
        let connection = connect(&settings.connection).await?;
        let stream = ensure_stream(&connection.jetstream, &settings.stream, settings.replicas).await?;
        let (folder, ledger) = open_store(folder, &stream).await?;
        let this = Self::start(connection, stream, (folder, ledger), (retention, clock), jobs_per_record)?;
        this.catch_up().await?;
        Ok(this)
    }

    fn start(
        Connection { client, jetstream }: Connection,
        stream: Stream,
        (folder, ledger): (StoreFolder, Ledger),
        (retention, clock): (Retention, Arc<dyn Clock>),
        jobs_per_record: Histogram,
    ) -> Result<Self, CannotJoin> {
        let subject = subject(&stream.cached_info().config.name);
        let (retention, pending, again) = (Arc::new(retention), Arc::<Pending>::default(), Arc::<Notify>::default());
        let (jobs, waiting) = mpsc::channel(QUEUE_JOBS);
        let (handing, records) = in_hand::channel();
        let (newest, receivers) = Newest::channel(ledger.stand());
        let readers = Arc::new(folder.readers(Arc::clone(&clock))?);
        let applied = watch::Sender::new(Applied::of(&ledger));
        let standing = watch::Sender::new(Standing::Behind);
        let (barrier, questions) = Barrier::new();
        let numbering = Numbering::of(&stream.cached_info().config);
        let (known_standing, known_applied) = (standing.subscribe(), applied.subscribe());
        let follower = Follower {
            stream: stream.clone(),
            last: Applied::of(&ledger),
            handing,
            applied: applied.clone(),
            again: Arc::clone(&again),
        };

        let mut tasks = JoinSet::new();
        let publisher = Publisher {
            client,
            jetstream: jetstream.clone(),
            subject: subject.clone(),
            retention: Arc::clone(&retention),
            pending: Arc::clone(&pending),
            jobs_per_record,
        };
        tasks.spawn(publisher.run(waiting));
        let retaining = Arc::new(Retaining {
            jetstream,
            stream: stream.clone(),
            subject,
            numbering,
            retention: Arc::clone(&retention),
            readers: Arc::clone(&readers),
            clock,
            jobs: jobs.downgrade(),
        });
        tasks.spawn(Arc::clone(&retaining).run());
        let asking = Asking::new(stream, applied.clone(), standing, again, questions);
        tasks.spawn(asking.run());
        tasks.spawn(follower.run());
        let applier = Applier { ledger, wal: folder.wal(), newest, retention, pending, numbering, applied };
        let (ending, ended) = oneshot::channel();
        let applier = std::thread::Builder::new()
            .name("backbone-writer".to_owned())
            .spawn(move || applier.run(records, ended))?;
        Ok(Self {
            jobs: Some(jobs),
            readers,
            barrier,
            newest: receivers,
            standing: known_standing,
            applied: known_applied,
            retaining,
            _tasks: tasks,
            applier: Some((ending, applier)),
            _lock: folder.into_lock(),
        })
    }

    async fn catch_up(&self) -> Result<(), CannotJoin> {
        let mut said = Instant::now();
        while let Err(error) = self.barrier.pass().await {
            if let Some(why) = &self.applied.borrow().stuck {
                return Err(CannotJoin::Log(why.clone()));
            }
            tokio::time::sleep(PAUSE).await;
            if said.elapsed() >= SAY_EVERY {
                said = Instant::now();
                tracing::info!(%error, "making this replica's store from the log");
            }
        }
        Ok(())
    }

    /// Returns, with the reason, when this replica cannot go on and must be started again.
    pub fn failed(&self) -> impl Future<Output = String> + Send + use<> {
        let mut applied = self.applied.clone();
        async move {
            match applied.wait_for(|applied| applied.stuck.is_some()).await {
                Ok(applied) => applied.stuck.clone().unwrap_or_default(),
                Err(_) => "nobody applies the log any more".to_owned(),
            }
        }
    }

    /// Lets go of what was kept long enough, which otherwise happens by itself a little later.
    pub async fn let_go(&self) -> Result<(), BackboneError> {
        self.retaining.look().await
    }

    /// Goes one step on towards a log without what was let go, when it has at least so many records that change entries: a
    /// snapshot of all entries, and later the end of all records before it. It otherwise happens by itself.
    pub async fn shorten(&self, least_records: u64) -> Result<(), BackboneError> {
        self.retaining.shorten(least_records).await
    }

    async fn current(&self) -> Result<&StoreReaders, BackboneError> {
        self.barrier.pass().await?;
        Ok(&self.readers)
    }
}

/// The store below `folder`, or a new one when that cannot go on with this log.
async fn open_store(folder: &Path, stream: &Stream) -> Result<(StoreFolder, Ledger), CannotJoin> {
    let folder = StoreFolder::take(folder)?;
    let ledger = folder.ledger(Durability::Rebuildable)?;
    let stand = ledger.stand();
    let is_begun = stand.sequence > 0 || ledger.entries_from() > 0;
    if !is_begun && (stand.position, stand.revision) != (0, 0) {
        return Err(CannotOpen::Original.into());
    }
    let place = barrier::look(stream, &Applied::of(&ledger)).await.map_err(CannotJoin::Log)?;
    let ledger = match place {
        Place::Same if stand.sequence > 0 => return Ok((folder, ledger)),
        Place::Same if !is_begun => ledger,
        place => {
            let why = if let Place::Lost(why) = place { why } else { "it was hardly begun".to_owned() };
            tracing::warn!(why, "this replica's store is made anew from the log");
            drop(ledger);
            folder.empty().map_err(CannotOpen::from)?;
            folder.ledger(Durability::Rebuildable)?
        }
    };
    let ledger = snapshot::begin(stream, ledger).await;
    Ok((folder, ledger.map_err(|error| CannotJoin::Log(error.to_string()))?))
}

impl Drop for JetStreamBackbone {
    fn drop(&mut self) {
        self.readers.close();
        drop(self.jobs.take());
        if let Some((ending, applier)) = self.applier.take() {
            drop(ending);
            if applier.join().is_err() {
                tracing::error!("the writer of the store ended by a panic");
            }
        }
    }
}

impl Backbone for JetStreamBackbone {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, BackboneError>> {
        async move {
            if batch.events.len().max(batch.puts.len()) > CHANGES_PER_RECORD {
                return Err(BackboneError::TooLarge);
            }
            let gone = || BackboneError::Unavailable("nobody writes to the log".to_owned());
            Job::done(self.jobs.as_ref().ok_or_else(gone)?, batch, Vec::new()).await
        }
        .boxed()
    }

    fn get(&self, bucket: &'static str, key: String) -> BoxFuture<'_, Result<Option<Entry>, BackboneError>> {
        async move { self.current().await?.get(bucket, key).await }.boxed()
    }

    fn list(
        &self,
        bucket: &'static str,
        before: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Entry>, BackboneError>> {
        async move { self.current().await?.list(bucket, before, limit).await }.boxed()
    }

    fn changes(
        &self,
        bucket: &'static str,
        after: Revision,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, BackboneError>> {
        // Whoever follows changes comes again as soon as there are more.
        self.readers.changes(bucket, after, limit).boxed()
    }

    fn query(&self, filter: EventFilter) -> BoxFuture<'_, Result<Page, BackboneError>> {
        async move {
            match filter.freshness {
                Freshness::Current => self.current().await?.query(filter).await,
                Freshness::Known => self.readers.query(filter).await,
            }
        }
        .boxed()
    }

    fn newest_position(&self) -> watch::Receiver<Position> {
        self.newest.position.clone()
    }

    fn newest_revision(&self) -> watch::Receiver<Revision> {
        self.newest.revision.clone()
    }

    fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }
}
