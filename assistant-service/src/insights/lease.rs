//! Which replica watches: the one that holds an entry of the backbone, by giving signs of life there. Whoever believes to hold it and
//! does not any more changes nothing: each watch's place in the log is changed by compare-and-set.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::backbone::{Backbone, BackboneError, Batch, Put, Revision};
use crate::clock::{Clock, Sightings};

const BUCKET: &str = "insights.lease";
const KEY: &str = "watching";

/// Between two signs of life.
pub(super) const BEAT: Duration = Duration::from_secs(3);

/// Whoever has given none for so long is gone.
pub(super) const SILENCE: Duration = Duration::from_secs(10);

/// This replica's part in it.
pub(super) struct Lease {
    backbone: Arc<dyn Backbone>,
    clock: Arc<dyn Clock>,
    holder: String,
    seen: Sightings<(), Revision>,
}

#[derive(Serialize, Deserialize)]
struct Held {
    holder: String,
}

impl Lease {
    pub(super) fn new(backbone: Arc<dyn Backbone>, clock: Arc<dyn Clock>) -> Self {
        Self { backbone, clock, holder: uuid::Uuid::now_v7().to_string(), seen: Sightings::default() }
    }

    /// Gives a sign of life, or takes the place of whoever gives none. Says whether the lease is held now.
    pub(super) async fn hold(&self) -> Result<bool, BackboneError> {
        let elapsed = self.clock.elapsed();
        let expected_revision = match self.backbone.get(BUCKET, KEY.to_owned()).await? {
            Some(entry) => {
                let is_silent = self.seen.seen_for((), entry.revision, elapsed) >= SILENCE;
                if !self.is_ours(&entry.value) && !is_silent {
                    return Ok(false);
                }
                Some(entry.revision)
            }
            None => None,
        };
        let held = Held { holder: self.holder.clone() };
        let value = serde_json::to_vec(&held).map_err(|error| BackboneError::Unavailable(error.to_string()))?;
        match self.put(Some(value), expected_revision).await {
            Ok(()) => Ok(true),
            Err(BackboneError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lets another replica begin at once.
    pub(super) async fn release(&self) -> Result<(), BackboneError> {
        match self.backbone.get(BUCKET, KEY.to_owned()).await? {
            Some(entry) if self.is_ours(&entry.value) => self.put(None, Some(entry.revision)).await,
            _ => Ok(()),
        }
    }

    fn is_ours(&self, value: &[u8]) -> bool {
        serde_json::from_slice::<Held>(value).is_ok_and(|held| held.holder == self.holder)
    }

    async fn put(&self, value: Option<Vec<u8>>, expected_revision: Option<Revision>) -> Result<(), BackboneError> {
        let put = Put { bucket: BUCKET, key: KEY.to_owned(), value, expected_revision, expires_at: None };
        self.backbone.commit(Batch { events: Vec::new(), puts: vec![put] }).await.map(drop)
    }
}
