//! The loop that `mailer` and `thumbnailer` share: take a job, carry it out, acknowledge it.
//!
//! A job is acknowledged after it was carried out, so a worker that dies loses none; a handler must bear the same job twice.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// How often a job is tried before it goes to `dead_jobs`.
const MAX_ATTEMPTS: u32 = 5;
/// A job that takes longer counts as failed. It must stay below the lease, or two workers would hold the same job.
const JOB_TIMEOUT: Duration = Duration::from_secs(45);
const LEASE: Duration = Duration::from_secs(60);
/// The pause when the queue is empty.
const IDLE_PAUSE: Duration = Duration::from_millis(250);

/// A job as it is leased from the queue.
#[derive(Debug, Clone)]
pub struct Job {
    pub id: i64,
    /// Counted from 1: the attempt that is under way.
    pub attempt: u32,
    pub payload: serde_json::Value,
}

#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// May succeed later, such as a relay that does not answer.
    #[error("failed for now: {0}")]
    Transient(String),
    /// Will never succeed, such as a payload that cannot be read.
    #[error("cannot succeed: {0}")]
    Permanent(String),
}

/// The table that jobs are leased from.
#[async_trait]
pub trait Queue: Send + Sync {
    async fn lease(&self, worker: &str, lease: Duration) -> anyhow::Result<Option<Job>>;
    async fn acknowledge(&self, job: &Job) -> anyhow::Result<()>;
    async fn put_back(&self, job: &Job, after: Duration) -> anyhow::Result<()>;
    async fn bury(&self, job: &Job, cause: &str) -> anyhow::Result<()>;
}

/// What a worker does with a job.
#[async_trait]
pub trait Handler: Send + Sync {
    async fn handle(&self, job: &Job) -> Result<(), JobError>;
}

/// Takes jobs until `stop` is cancelled; the job under way is finished first.
pub async fn run(name: &str, queue: Arc<dyn Queue>, handler: Arc<dyn Handler>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match queue.lease(name, LEASE).await {
            Ok(Some(job)) => {
                if let Err(cause) = work_on(&*queue, &*handler, &job).await {
                    // The lease runs out by itself and somebody else takes the job.
                    error!(job = job.id, %cause, "the outcome could not be written");
                }
            }
            Ok(None) => pause(IDLE_PAUSE, &stop).await,
            Err(cause) => {
                warn!(%cause, "the queue cannot be reached");
                pause(Duration::from_secs(2), &stop).await;
            }
        }
    }
    info!(worker = name, "stopped");
}

async fn work_on(queue: &dyn Queue, handler: &dyn Handler, job: &Job) -> anyhow::Result<()> {
    let outcome = timeout(JOB_TIMEOUT, handler.handle(job))
        .await
        .unwrap_or_else(|_| Err(JobError::Transient("took too long".to_owned())));
    match outcome {
        Ok(()) => queue.acknowledge(job).await,
        Err(JobError::Transient(_)) if job.attempt < MAX_ATTEMPTS => queue.put_back(job, backoff(job.attempt)).await,
        Err(cause) => queue.bury(job, &cause.to_string()).await,
    }
}

/// 10, 20, 40 and 80 seconds after the first four attempts.
fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(10) * 2_u32.pow(attempt.saturating_sub(1).min(6))
}

async fn pause(duration: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = sleep(duration) => {}
        () = stop.cancelled() => {}
    }
}
