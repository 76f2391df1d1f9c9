//! What somebody wants to be done and waits for, from its place in the queue to its answer.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::backbone::retention::Floor;
use crate::backbone::{BackboneError, Batch, Committed};

/// Longer than a record is offered to the log.
const PATIENCE: Duration = Duration::from_secs(10);

/// A batch, and where its maker waits.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) batch: Batch,
    /// What is let go beside it.
    pub(super) floors: Vec<Floor>,
    pub(super) answer: oneshot::Sender<Result<Committed, BackboneError>>,
}

impl Job {
    /// Hands a job to whoever takes `jobs`, and waits for what comes of it.
    pub(super) async fn done(
        jobs: &mpsc::Sender<Self>,
        batch: Batch,
        floors: Vec<Floor>,
    ) -> Result<Committed, BackboneError> {
        let gone = || BackboneError::Unavailable("nobody writes to the log".to_owned());
        let (answer, answered) = oneshot::channel();
        let done = timeout(PATIENCE, async {
            jobs.send(Self { batch, floors, answer }).await.map_err(|_| gone())?;
            answered.await.map_err(|_| gone())?
        });
        done.await.map_err(|_| BackboneError::Unavailable("the log does not answer".to_owned()))?
    }
}

/// The jobs of each record that is on its way into the log, by the record's name: who applies it finds them here, so that it need
/// not be read again and its makers get their answers.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<HashMap<String, Vec<Job>>>);

impl Pending {
    pub(super) fn put(&self, record: String, jobs: Vec<Job>) {
        self.lock().insert(record, jobs);
    }

    pub(super) fn take(&self, record: &str) -> Option<Vec<Job>> {
        self.lock().remove(record)
    }

    /// Tells the makers of a record that it is not known to be kept.
    pub(super) fn fail(&self, record: &str, error: &BackboneError) {
        for job in self.take(record).unwrap_or_default() {
            // Whoever has gone away does not need the answer.
            let _ = job.answer.send(Err(error.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Job>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
