//! Puts jobs into the log: those that wait at the same time become one record, which costs the servers one sync. Who waits for a job
//! is answered when its record comes back and is applied; here it is only found out that one never will.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, Context, ErrorCode};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

use super::job::{Job, Pending};
use super::record;
use crate::backbone::BackboneError;
use crate::backbone::retention::Retention;

/// Jobs that share one record at most.
const JOBS_PER_RECORD: usize = 256;

/// Positions have room for so many events and entries in one record.
pub(super) const CHANGES_PER_RECORD: usize = 4000;

/// A record that has so much takes no further job.
const FULL_RECORD_BYTES: usize = 512 * 1024;

/// While these are on their way, jobs wait for each other.
const RECORDS_UNDER_WAY: usize = 4;

/// How long a record is offered to the log. JetStream knows its name for longer, so it is kept once, however often it is offered.
const PATIENCE: Duration = Duration::from_secs(5);

const AGAIN_AFTER: Duration = Duration::from_millis(200);

pub(super) struct Publisher {
    pub(super) client: Client,
    pub(super) jetstream: Context,
    /// What the subjects of all records begin with.
    pub(super) subject: String,
    pub(super) retention: Arc<Retention>,
    pub(super) pending: Arc<Pending>,
    pub(super) jobs_per_record: Histogram,
}

impl Publisher {
    /// Works until nobody is left who could send a job.
    pub(super) async fn run(self, mut waiting: mpsc::Receiver<Job>) {
        let mut under_way: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
        let mut next = None;
        loop {
            if under_way.len() >= RECORDS_UNDER_WAY {
                under_way.next().await;
                continue;
            }
            let first = match next.take() {
                Some(job) => job,
                None => tokio::select! {
                    job = waiting.recv() => match job {
                        Some(job) => job,
                        None => break,
                    },
                    Some(()) = under_way.next() => continue,
                },
            };
            let (jobs, left) = gather(first, &mut waiting, &self.retention);
            next = left;
            if let Some(publishing) = self.begin(jobs) {
                under_way.push(publishing.boxed());
            }
        }
        while under_way.next().await.is_some() {}
    }

    fn begin(&self, jobs: Vec<Job>) -> Option<impl Future<Output = ()> + use<'_>> {
        #[expect(clippy::cast_precision_loss, reason = "at most 256")]
        self.jobs_per_record.observe(jobs.len() as f64);
        let subject = format!("{}.{}", self.subject, kind(&jobs, &self.retention));
        let name = Uuid::now_v7().simple().to_string();
        let payload = record::encode(&jobs, &self.retention);
        // Before it is offered: it may come back at once.
        self.pending.put(name.clone(), jobs);
        match payload {
            Ok(payload) => Some(async move {
                if let Err(error) = self.offer(subject, &name, payload).await {
                    self.pending.fail(&name, &error);
                }
            }),
            Err(error) => {
                self.pending.fail(&name, &error);
                None
            }
        }
    }

    async fn offer(&self, subject: String, name: &str, payload: Bytes) -> Result<(), BackboneError> {
        let (begun, mut may_be_there) = (Instant::now(), false);
        loop {
            // The client would keep it until the connection is back, however long after its makers were told that it failed.
            if self.client.connection_state() == State::Connected {
                let message = PublishMessage::build().payload(payload.clone()).message_id(name);
                let offered = async { self.jetstream.send_publish(subject.clone(), message).await?.await };
                let Err(error) = offered.await else { return Ok(()) };
                match refusal(&error) {
                    Some(refusal) if !may_be_there => return Err(refusal),
                    _ => tracing::debug!(%error, "the log did not say that it has a record"),
                }
                may_be_there = true;
            }
            if begun.elapsed() >= PATIENCE {
                tracing::error!("the log did not say that it has a record");
                return Err(BackboneError::Unavailable("the log does not answer".to_owned()));
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }
}

/// What can go into one record with the first job; one that cannot comes back.
fn gather(first: Job, waiting: &mut mpsc::Receiver<Job>, retention: &Retention) -> (Vec<Job>, Option<Job>) {
    let of = |job: &Job| kind(std::slice::from_ref(job), retention);
    let first_kind = of(&first);
    let (mut changes, mut bytes) = (changes(&first), size(&first));
    let mut jobs = vec![first];
    while jobs.len() < JOBS_PER_RECORD
        && bytes < FULL_RECORD_BYTES
        && let Ok(job) = waiting.try_recv()
    {
        changes = changes.saturating_add(self::changes(&job));
        bytes = bytes.saturating_add(size(&job));
        if changes > CHANGES_PER_RECORD || bytes > 2 * FULL_RECORD_BYTES || of(&job) != first_kind {
            return (jobs, Some(job));
        }
        jobs.push(job);
    }
    (jobs, None)
}

/// The last part of a record's subject. Records of events of one class alone can be removed as soon as that class is let go.
fn kind(jobs: &[Job], retention: &Retention) -> String {
    let mut classes = jobs.iter().flat_map(|job| &job.batch.events).map(|event| retention.class_of(&event.event_type));
    let is_events_alone = jobs.iter().all(|job| job.batch.puts.is_empty() && job.floors.is_empty());
    match classes.next() {
        Some(class) if is_events_alone && classes.all(|other| other == class) => events_of(class),
        _ => MIXED.to_owned(),
    }
}

/// The last part of the subject of all other records: they change entries, or hold events of several classes.
pub(super) const MIXED: &str = "mixed";

/// The last part of the subject of records that hold events of this class alone.
pub(super) fn events_of(class: &str) -> String {
    format!("events.{class}")
}

fn changes(job: &Job) -> usize {
    job.batch.events.len().max(job.batch.puts.len())
}

fn size(job: &Job) -> usize {
    let events = job.batch.events.iter().map(|event| event.json.len());
    // In base64.
    let puts = job
        .batch
        .puts
        .iter()
        .map(|put| put.value.as_ref().map_or(0, |value| value.len().div_ceil(3).saturating_mul(4)));
    events.chain(puts).fold(0, usize::saturating_add)
}

/// What the log says for good; anything else may be different the next time.
fn refusal(error: &PublishError) -> Option<BackboneError> {
    match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => Some(BackboneError::TooLarge),
        PublishErrorKind::Other => {
            let source = error.source()?.downcast_ref::<jetstream::Error>()?;
            let is_full = matches!(
                source.error_code(),
                ErrorCode::INSUFFICIENT_RESOURCES
                    | ErrorCode::STORAGE_RESOURCES_EXCEEDED
                    | ErrorCode::STREAM_STORE_FAILED
            );
            is_full.then_some(BackboneError::Full)
        }
        PublishErrorKind::StreamNotFound
        | PublishErrorKind::WrongLastMessageId
        | PublishErrorKind::WrongLastSequence
        | PublishErrorKind::TimedOut
        | PublishErrorKind::BrokenPipe
        | PublishErrorKind::MaxAckPending => None,
    }
}
