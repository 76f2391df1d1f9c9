//! A store that does nothing, and at once: what is left of a request's time is everything but the store.

use assistant_service::backbone::{
    Appended, Backbone, BackboneError, Batch, Change, Committed, Entry, EventFilter, Page, Position, Revision, Standing,
};
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use tokio::sync::watch;

/// Nothing is kept.
pub(crate) struct Nothing {
    position: watch::Sender<Position>,
    revision: watch::Sender<Revision>,
    standing: watch::Sender<Standing>,
}

impl Nothing {
    pub(crate) fn new() -> Nothing {
        Nothing {
            position: watch::Sender::new(0),
            revision: watch::Sender::new(0),
            standing: watch::Sender::new(Standing::Current),
        }
    }
}

impl Backbone for Nothing {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, BackboneError>> {
        let events = (1..).zip(&batch.events).map(|(position, _)| Appended { position, is_duplicate: false }).collect();
        let revisions = (1..).zip(&batch.puts).map(|(revision, _)| revision).collect();
        ready(Ok(Committed { events, revisions })).boxed()
    }

    fn get(&self, _: &'static str, _: String) -> BoxFuture<'_, Result<Option<Entry>, BackboneError>> {
        ready(Ok(None)).boxed()
    }

    fn list(&self, _: &'static str, _: Option<String>, _: u32) -> BoxFuture<'_, Result<Vec<Entry>, BackboneError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn changes(&self, _: &'static str, _: Revision, _: u32) -> BoxFuture<'_, Result<Vec<Change>, BackboneError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn query(&self, _: EventFilter) -> BoxFuture<'_, Result<Page, BackboneError>> {
        ready(Ok(Page::default())).boxed()
    }

    fn newest_position(&self) -> watch::Receiver<Position> {
        self.position.subscribe()
    }

    fn newest_revision(&self) -> watch::Receiver<Revision> {
        self.revision.subscribe()
    }

    fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }
}
