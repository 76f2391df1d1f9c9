//! A store between a replica and its own, in which a test decides what happens when.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::Stage;
use crate::backbone::{
    Backbone, BackboneError, Batch, Change, Committed, Entry, EventFilter, Page, Position, Put, Revision, Standing,
};

/// A store in which something else may be changed just before a change, and that takes only so many, as for somebody who is killed then.
pub(super) struct Between {
    backbone: Arc<dyn Backbone>,
    commits: AtomicUsize,
    before_the_next: Mutex<Option<Put>>,
}

impl Between {
    pub(super) fn new(stage: &Stage) -> Self {
        Self::ending_after(usize::MAX, stage)
    }

    pub(super) fn ending_after(commits: usize, stage: &Stage) -> Self {
        let backbone = Arc::clone(&stage.state.backbone);
        Self { backbone, commits: AtomicUsize::new(commits), before_the_next: Mutex::default() }
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

    fn get(&self, bucket: &'static str, key: String) -> BoxFuture<'_, Result<Option<Entry>, BackboneError>> {
        self.backbone.get(bucket, key)
    }

    fn list(
        &self,
        bucket: &'static str,
        before: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Entry>, BackboneError>> {
        self.backbone.list(bucket, before, limit)
    }

    fn changes(
        &self,
        bucket: &'static str,
        after: Revision,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, BackboneError>> {
        self.backbone.changes(bucket, after, limit)
    }

    fn query(&self, filter: EventFilter) -> BoxFuture<'_, Result<Page, BackboneError>> {
        self.backbone.query(filter)
    }

    fn newest_position(&self) -> watch::Receiver<Position> {
        self.backbone.newest_position()
    }

    fn newest_revision(&self) -> watch::Receiver<Revision> {
        self.backbone.newest_revision()
    }

    fn standing(&self) -> watch::Receiver<Standing> {
        self.backbone.standing()
    }
}
