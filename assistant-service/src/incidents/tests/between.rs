//! A store between a replica and its own, in which a test decides what happens when.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::Stage;
use crate::backbone::passed_on::passed_on;
use crate::backbone::{Backbone, BackboneError, Batch, Committed, Put, Standing};

/// A store in which something else may be changed just before a change, that takes only so many, as for somebody who is killed then, and that
/// may be cut off from the others.
pub(super) struct Between {
    backbone: Arc<dyn Backbone>,
    commits: AtomicUsize,
    before_the_next: Mutex<Option<Put>>,
    pub(super) standing: watch::Sender<Standing>,
}

impl Between {
    pub(super) fn new(stage: &Stage) -> Self {
        Self::ending_after(usize::MAX, stage)
    }

    pub(super) fn ending_after(commits: usize, stage: &Stage) -> Self {
        let backbone = Arc::clone(&stage.state.backbone);
        let standing = watch::Sender::new(Standing::Current);
        Self { backbone, commits: AtomicUsize::new(commits), before_the_next: Mutex::default(), standing }
    }

    pub(super) fn change_before_the_next(&self, put: Put) {
        *self.before_the_next.lock().unwrap() = Some(put);
    }
}

impl Backbone for Between {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, BackboneError>> {
        async move {
            let before = self.before_the_next.lock().unwrap().take();
            if let Some(put) = before {
                self.backbone.commit(Batch { events: Vec::new(), puts: vec![put] }).await?;
            }
            let one_less = |left: usize| left.checked_sub(1);
            if self.commits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_err() {
                return Err(BackboneError::Unavailable("it is over".to_owned()));
            }
            self.backbone.commit(batch).await
        }
        .boxed()
    }

    passed_on!(get, list, changes, query, newest_position, newest_revision);

    fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }
}
