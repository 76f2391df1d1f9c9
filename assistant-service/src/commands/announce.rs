//! Keeps what this process knows of open commands at what any replica has done with them.

use std::time::Duration;

use tokio::sync::{Mutex, watch};

use super::book::{Commands, Kept, LIST_PAGE, OPEN};
use super::open::Brief;
use crate::backbone::{Backbone, BackboneError, Revision};

const AFTER_A_FAILURE: Duration = Duration::from_secs(1);
const CHANGES_PAGE: u32 = 256;

/// How far the changes of open commands are known here.
pub(super) struct Reached {
    /// Absent before the first look. One brings what is known on; the others wait for that.
    until: Mutex<Option<Revision>>,
    newest: watch::Receiver<Revision>,
}

impl Reached {
    pub(super) fn nothing(backbone: &dyn Backbone) -> Self {
        Self { until: Mutex::default(), newest: backbone.newest_revision() }
    }
}

impl Commands {
    /// Follows the open commands of all replicas, for ever.
    pub async fn announce_for_ever(&self) {
        let mut newest = self.reached.newest.clone();
        loop {
            // Marked as seen before the look, so that what comes between the two is looked at again.
            newest.mark_unchanged();
            let followed = match self.catch_up().await {
                Ok(()) => newest.changed().await.map_err(|_| "its writer has ended".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = followed {
                tracing::error!(error, "what other replicas do with commands could not be followed");
                tokio::time::sleep(AFTER_A_FAILURE).await;
            }
        }
    }

    /// Sees all that has been done with open commands, as far as this replica's store has it.
    pub(super) async fn catch_up(&self) -> Result<(), BackboneError> {
        let mut until = self.reached.until.lock().await;
        loop {
            // Asked for before the look: all up to there is in what is found.
            let newest = *self.reached.newest.borrow();
            let Some(reached) = *until else {
                let mut before = None;
                while let Some(last) = self.look_at_page(before).await?.pop() {
                    before = Some(last);
                }
                *until = Some(newest);
                continue;
            };
            if reached >= newest {
                return Ok(());
            }
            let changes = self.backbone.changes(OPEN, reached, CHANGES_PAGE).await?;
            let last = changes.last().map_or(reached, |change| change.revision);
            for change in &changes {
                let brief = change.value.as_deref().and_then(|value| serde_json::from_slice(value).ok());
                self.sees(&change.key, change.revision, brief);
            }
            let is_all = changes.len() < usize::try_from(CHANGES_PAGE).unwrap_or(usize::MAX);
            *until = Some(if is_all { last.max(newest) } else { last });
        }
    }

    /// Sees a page of the open commands as they are in the store, and gives its keys, the largest first.
    pub(super) async fn look_at_page(&self, before: Option<String>) -> Result<Vec<String>, BackboneError> {
        let entries = self.backbone.list(OPEN, before, LIST_PAGE).await?;
        for entry in &entries {
            let unreadable = |error: &_| tracing::error!(%error, id = entry.key, "a command is left out");
            let brief = serde_json::from_slice(&entry.value).inspect_err(unreadable).ok();
            self.sees(&entry.key, entry.revision, brief);
        }
        Ok(entries.into_iter().map(|entry| entry.key).collect())
    }

    /// How far what is known of open commands reaches at least.
    pub(super) fn newest_revision(&self) -> Revision {
        *self.reached.newest.borrow()
    }

    fn sees(&self, key: &str, revision: Revision, brief: Option<Brief>) {
        self.known.saw(key, revision, brief, (self.now(), self.clock.elapsed()));
    }

    /// Sees a command as it was just read or written.
    pub(super) fn sees_kept(&self, kept: &Kept) {
        let command = &kept.record.command;
        let brief = (!command.state.is_final()).then(|| Brief::from(&kept.record));
        self.sees(&command.id, kept.revision, brief);
    }
}
