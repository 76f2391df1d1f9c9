//! What is known of one watch, and kept: how far it has looked through the log, and every matter of it. Each change is one commit
//! together with the events that say it, made only if the place in the log is where this replica believes it to be.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::watch::Watch;
use super::window::Window;
use crate::backbone::{Backbone, BackboneError, Batch, NewEvent, Position, Put, Revision};

const PLACES: &str = "insights.places";
const WINDOWS: &str = "insights.windows";
const PAGE: u32 = 200;

/// Why a watch is not followed any further for now.
#[derive(Debug, Error)]
pub(super) enum Interrupted {
    /// The store failed, or another replica has gone on with the watch.
    #[error(transparent)]
    Store(#[from] BackboneError),
    /// An entry or an event cannot be written or read.
    #[error("what is kept of a watch is not readable: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A question has ended without an answer.
    #[error("a question ended: {0}")]
    Ended(#[from] tokio::task::JoinError),
}

/// Where a watch stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    /// The definition under which it counts.
    definition: String,
    pub(super) cursor: Position,
    /// The hour in which the assistant was last asked, counted from the beginning of 1970, and how often in it.
    pub(super) asked_hour: i64,
    pub(super) asked: u32,
}

/// One watch's place and windows, as they are kept.
pub(super) struct Book {
    backbone: Arc<dyn Backbone>,
    watch: Arc<Watch>,
    pub(super) place: Place,
    place_revision: Revision,
    pub(super) windows: HashMap<String, Window>,
    /// Of the windows that are kept, those that are gone from `windows` and not yet from the store among them.
    revisions: HashMap<String, Revision>,
}

/// What one step changes.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) events: Vec<NewEvent>,
    /// The digests of the windows' keys.
    pub(super) changed: BTreeSet<String>,
}

impl Book {
    /// Makes the watch's place where it has none: what comes from now on is looked at.
    pub(super) async fn begin(backbone: &dyn Backbone, watch: &Watch) -> Result<(), Interrupted> {
        if backbone.get(PLACES, watch.name.clone()).await?.is_some() {
            return Ok(());
        }
        // After a read that is current, this is a position of now.
        let cursor = *backbone.newest_position().borrow();
        let place = Place { definition: watch.digest.clone(), cursor, asked_hour: 0, asked: 0 };
        let put = put(PLACES, watch.name.clone(), Some(serde_json::to_vec(&place)?), None);
        match backbone.commit(Batch { events: Vec::new(), puts: vec![put] }).await {
            // Another replica has made it.
            Ok(_) | Err(BackboneError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn open(backbone: Arc<dyn Backbone>, watch: Arc<Watch>) -> Result<Self, Interrupted> {
        Self::begin(&*backbone, &watch).await?;
        let gone = || BackboneError::Unavailable(format!("the place of the watch {} is gone", watch.name));
        let entry = backbone.get(PLACES, watch.name.clone()).await?.ok_or_else(gone)?;
        let mut place: Place = serde_json::from_slice(&entry.value)?;
        let is_as_before = place.definition == watch.digest;
        place.definition.clone_from(&watch.digest);
        let (windows, revisions) = (HashMap::new(), HashMap::new());
        let mut book = Self { backbone, watch, place, place_revision: entry.revision, windows, revisions };
        book.read_windows().await?;
        if !is_as_before {
            // What was counted by another definition says nothing by this one. Insights that are there go on.
            let counting = book.windows.iter().filter(|(_, window)| window.is_counting());
            let changed: BTreeSet<_> = counting.map(|(digest, _)| digest.clone()).collect();
            book.windows.retain(|_, window| !window.is_counting());
            book.write(Step { events: Vec::new(), changed }).await?;
        }
        Ok(book)
    }

    async fn read_windows(&mut self) -> Result<(), Interrupted> {
        let prefix = format!("{}/", self.watch.name);
        // The character after the one that ends the prefix.
        let mut before = Some(format!("{}0", self.watch.name));
        loop {
            let entries = self.backbone.list(WINDOWS, before, PAGE).await?;
            let Some(last) = entries.last() else { return Ok(()) };
            before = Some(last.key.clone());
            for entry in entries {
                let Some(digest) = entry.key.strip_prefix(&prefix) else { return Ok(()) };
                self.windows.insert(digest.to_owned(), serde_json::from_slice(&entry.value)?);
                self.revisions.insert(digest.to_owned(), entry.revision);
            }
        }
    }

    /// Makes a step durable, or nothing of it. After a failure the book is to be opened again.
    pub(super) async fn write(&mut self, step: Step) -> Result<(), Interrupted> {
        let Step { events, changed } = step;
        let place = serde_json::to_vec(&self.place)?;
        let mut puts = vec![put(PLACES, self.watch.name.clone(), Some(place), Some(self.place_revision))];
        let mut digests = Vec::new();
        for digest in changed {
            let value = self.windows.get(&digest).map(serde_json::to_vec).transpose()?;
            let revision = self.revisions.get(&digest).copied();
            if value.is_some() || revision.is_some() {
                puts.push(put(WINDOWS, format!("{}/{digest}", self.watch.name), value, revision));
                digests.push(digest);
            }
        }
        let committed = self.backbone.commit(Batch { events, puts }).await?;
        let mut revisions = committed.revisions.into_iter();
        self.place_revision = revisions.next().unwrap_or_default();
        for (digest, revision) in digests.into_iter().zip(revisions) {
            if self.windows.contains_key(&digest) {
                self.revisions.insert(digest, revision);
            } else {
                self.revisions.remove(&digest);
            }
        }
        Ok(())
    }
}

fn put(bucket: &'static str, key: String, value: Option<Vec<u8>>, expected_revision: Option<Revision>) -> Put {
    Put { bucket, key, value, expected_revision, expires_at: None }
}
