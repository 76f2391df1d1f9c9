//! Letting go of what was kept long enough. Every replica looks by itself; that a class is let go goes through the log, so that all
//! know the same, and only then the servers may forget the records.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::stream::{PurgeError, Stream};
use tokio::sync::mpsc;

use super::applier::Numbering;
use super::job::Job;
use super::publisher::events_of;
use super::snapshot::{CannotSnapshot, Snapshots};
use crate::backbone::retention::{Floor, Retention};
use crate::backbone::store::StoreReaders;
use crate::backbone::{BackboneError, Batch};
use crate::clock::Clock;

const LOOK_EVERY: Duration = Duration::from_secs(30);

/// A snapshot is worth it from so many records on.
const RECORDS_PER_SNAPSHOT: u64 = 10_000;

pub(super) struct Retaining {
    pub(super) jetstream: Context,
    pub(super) stream: Stream,
    /// What the subjects of all records begin with.
    pub(super) subject: String,
    pub(super) numbering: Numbering,
    pub(super) retention: Arc<Retention>,
    pub(super) readers: Arc<StoreReaders>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) jobs: mpsc::WeakSender<Job>,
}

impl Retaining {
    /// Looks for ever.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Err(error) = self.look().await {
                tracing::error!(%error, "events that were kept long enough could not be let go");
            }
            if self.retention.lets_all_go()
                && let Err(error) = self.shorten(RECORDS_PER_SNAPSHOT).await
            {
                tracing::error!(%error, "the log could not be shortened");
            }
        }
    }

    pub(super) async fn look(&self) -> Result<(), BackboneError> {
        let floors = self.retention.overdue(&self.readers.segments().await?, self.clock.now());
        if floors.is_empty() {
            return Ok(());
        }
        tracing::info!(?floors, "events are let go that were kept long enough");
        match self.say(&floors).await {
            // Saying so needs room too. What is purged here is let go by all as soon as it is said.
            Err(BackboneError::Full) => {
                self.purge(&floors).await?;
                self.say(&floors).await?;
            }
            said => said?,
        }
        self.purge(&floors).await
    }

    async fn say(&self, floors: &[Floor]) -> Result<(), BackboneError> {
        let gone = || BackboneError::Unavailable("nobody writes to the log".to_owned());
        let jobs = self.jobs.upgrade().ok_or_else(gone)?;
        Job::done(&jobs, Batch::default(), floors.to_vec()).await.map(drop)
    }

    /// Goes one step on towards a log without what was let go: see [`Snapshots::step`].
    pub(super) async fn shorten(&self, least_records: u64) -> Result<(), BackboneError> {
        let Self { jetstream, stream, subject, numbering, readers, .. } = self;
        let snapshots = Snapshots { jetstream, stream, subject, numbering: *numbering, readers };
        let failed = |error: CannotSnapshot| BackboneError::Unavailable(error.to_string());
        snapshots.step(least_records).await.map_err(failed)
    }

    /// Of the record that the floor lies in something may be kept.
    async fn purge(&self, floors: &[Floor]) -> Result<(), BackboneError> {
        for Floor { class, position } in floors {
            let subject = format!("{}.{}", self.subject, events_of(class));
            let purged = purge(&self.stream, subject, self.numbering.record_of(*position)).await;
            purged.map_err(|error| BackboneError::Unavailable(format!("the log was not shortened: {error}")))?;
        }
        Ok(())
    }
}

/// Removes the records of a subject before one of the log. To the servers "before the first" is "all".
pub(super) async fn purge(stream: &Stream, subject: String, before: u64) -> Result<(), PurgeError> {
    if before <= 1 {
        return Ok(());
    }
    stream.purge().sequence(before).filter(subject).await.map(drop)
}
