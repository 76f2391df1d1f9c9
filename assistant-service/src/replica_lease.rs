//! Which replica follows the log for all of them: the one that holds an entry of the backbone, by giving signs of life there. Whoever
//! believes to hold it and does not any more changes nothing: each follower's place in the log is changed by compare-and-set.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::backbone::{Backbone, BackboneError, Batch, Entry, Put, Revision};
use crate::clock::{Clock, Sightings};

const KEY: &str = "watching";

/// Between two signs of life.
const BEAT: Duration = Duration::from_secs(3);

/// Whoever has given none for so long is gone.
pub(crate) const SILENCE: Duration = Duration::from_secs(10);

/// This replica's part in it.
pub(crate) struct ReplicaLease {
    backbone: Arc<dyn Backbone>,
    /// The bucket whose one entry it is.
    bucket: &'static str,
    clock: Arc<dyn Clock>,
    holder: String,
    seen: Sightings<(), Revision>,
}

#[derive(Serialize, Deserialize)]
struct Holder {
    holder: String,
}

/// What a replica does while it holds a lease.
pub(crate) trait Held: Send + Sync {
    /// What it does, for the log.
    const WHAT: &'static str;

    /// Begins all of it. None of the tasks ends by itself.
    fn begin(&self, following: &mut JoinSet<Infallible>);

    /// Of a replica that has lost the lease, what it measured is not true any more.
    fn forget(&self);
}

impl ReplicaLease {
    pub(crate) fn new(backbone: Arc<dyn Backbone>, bucket: &'static str, clock: Arc<dyn Clock>) -> Self {
        Self { backbone, bucket, clock, holder: uuid::Uuid::now_v7().to_string(), seen: Sightings::default() }
    }

    /// Does something whenever this replica holds the lease, until the service ends; then gives the lease back.
    pub(crate) async fn do_while_held<H: Held>(&self, held: &H, ended: impl Future<Output = ()>) {
        let mut following = JoinSet::new();
        tokio::select! {
            () = self.do_for_ever(held, &mut following) => {}
            () = ended => {}
        }
        following.shutdown().await;
        if let Err(error) = self.release().await {
            tracing::warn!(%error, what = H::WHAT, "the next replica waits a moment before it begins");
        }
    }

    async fn do_for_ever<H: Held>(&self, held: &H, following: &mut JoinSet<Infallible>) {
        loop {
            let is_held = self.hold().await.unwrap_or_else(|error| {
                tracing::error!(%error, what = H::WHAT, "which replica does it could not be found out");
                false
            });
            if let Some(Err(error)) = following.try_join_next() {
                // Only a mistake of ours ends one of them; all begin anew, so that none stays behind unseen.
                tracing::error!(%error, what = H::WHAT, "a task ended");
                following.shutdown().await;
            }
            if !is_held && !following.is_empty() {
                tracing::warn!(what = H::WHAT, "another replica does it");
                following.shutdown().await;
                held.forget();
            }
            if is_held && following.is_empty() {
                tracing::info!(what = H::WHAT, "this replica does it");
                held.begin(following);
            }
            sleep(BEAT).await;
        }
    }

    /// Gives a sign of life, or takes the place of whoever gives none. Says whether the lease is held now.
    pub(crate) async fn hold(&self) -> Result<bool, BackboneError> {
        let elapsed = self.clock.elapsed();
        let expected_revision = match self.backbone.get(self.bucket, KEY.to_owned()).await? {
            Some(entry) => {
                let is_silent = self.seen.seen_for((), entry.revision, elapsed) >= SILENCE;
                if !self.is_ours(&entry.value) && !is_silent {
                    return Ok(false);
                }
                Some(entry.revision)
            }
            None => None,
        };
        let held = Holder { holder: self.holder.clone() };
        let value = serde_json::to_vec(&held).map_err(|error| BackboneError::Unavailable(error.to_string()))?;
        match self.commit(self.put(Some(value), expected_revision)).await {
            Ok(()) => Ok(true),
            // Another replica was first, or a proof of our own.
            Err(BackboneError::Conflict { .. }) => Ok(self.own().await?.is_some()),
            Err(error) => Err(error),
        }
    }

    /// A change that leaves the lease as it is, and that the store refuses, with all that is committed together with it, as soon as another
    /// replica holds it.
    ///
    /// # Errors
    /// A conflict when this replica does not hold it.
    pub(crate) async fn proof(&self) -> Result<Put, BackboneError> {
        let is_of_another = BackboneError::Conflict { bucket: self.bucket, key: KEY.to_owned() };
        let Entry { value, revision, .. } = self.own().await?.ok_or(is_of_another)?;
        Ok(self.put(Some(value), Some(revision)))
    }

    /// Lets another replica begin at once.
    pub(crate) async fn release(&self) -> Result<(), BackboneError> {
        match self.own().await? {
            Some(entry) => self.commit(self.put(None, Some(entry.revision))).await,
            None => Ok(()),
        }
    }

    /// The lease, where this replica holds it.
    async fn own(&self) -> Result<Option<Entry>, BackboneError> {
        let entry = self.backbone.get(self.bucket, KEY.to_owned()).await?;
        Ok(entry.filter(|entry| self.is_ours(&entry.value)))
    }

    fn is_ours(&self, value: &[u8]) -> bool {
        serde_json::from_slice::<Holder>(value).is_ok_and(|held| held.holder == self.holder)
    }

    fn put(&self, value: Option<Vec<u8>>, expected_revision: Option<Revision>) -> Put {
        Put { bucket: self.bucket, key: KEY.to_owned(), value, expected_revision, expires_at: None }
    }

    async fn commit(&self, put: Put) -> Result<(), BackboneError> {
        self.backbone.commit(Batch { events: Vec::new(), puts: vec![put] }).await.map(drop)
    }
}
