//! Tells those who wait here for a command what other replicas have scheduled: one look for all of them.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::book::{Commands, OPEN};
use super::state::State;
use crate::backbone::Change;
use crate::backbone::following::Following;
use crate::runbooks::Target;

const AFTER_A_FAILURE: Duration = Duration::from_secs(1);

/// As much of a record as must be read.
#[derive(Deserialize)]
struct Announced {
    command: Scheduled,
}

#[derive(Deserialize)]
struct Scheduled {
    state: State,
    target: Target,
}

impl Commands {
    /// Follows the open commands of all replicas, for ever.
    pub async fn announce_for_ever(&self) {
        let mut open = Following::from_now(Arc::clone(&self.backbone), OPEN);
        loop {
            match open.next().await {
                Ok(changes) => changes.iter().for_each(|change| self.announce(change)),
                Err(error) => {
                    tracing::error!(%error, "what other replicas schedule could not be followed");
                    tokio::time::sleep(AFTER_A_FAILURE).await;
                }
            }
        }
    }

    fn announce(&self, change: &Change) {
        // What this process has written it has announced itself.
        if self.time_seen.knows(&change.key, change.revision) {
            return;
        }
        let record = change.value.as_deref().and_then(|value| serde_json::from_slice::<Announced>(value).ok());
        if let Some(Announced { command: Scheduled { state: State::Scheduled, target } }) = record {
            // Without a receiver nobody waits.
            let _ = self.scheduled.send(target.service);
        }
    }
}
