//! Tells those who wait here for an event what other replicas have done with their consumer: settled, given back, handed out.

use std::sync::Arc;
use std::time::Duration;

use super::book::{CONSUMERS, Consumers};
use crate::backbone::Change;
use crate::backbone::following::Following;

const AFTER_A_FAILURE: Duration = Duration::from_secs(1);

impl Consumers {
    /// Follows the consumers of all replicas, for ever.
    pub async fn announce_for_ever(&self) {
        let mut consumers = Following::from_now(Arc::clone(&self.backbone), CONSUMERS);
        loop {
            match consumers.next().await {
                Ok(changes) => changes.iter().for_each(|change| self.announce(change)),
                Err(error) => {
                    tracing::error!(%error, "what other replicas do with consumers could not be followed");
                    tokio::time::sleep(AFTER_A_FAILURE).await;
                }
            }
        }
    }

    /// Wakes whoever waits. A hand-out elsewhere counts too: from when it is seen here, the time of its holder runs here.
    fn announce(&self, change: &Change) {
        let Some(local) = self.known(&change.key) else { return };
        // What this process has written it has announced itself.
        if !local.has_written(change.revision) {
            local.has_changed();
        }
    }
}
