//! Ended commands that an earlier version kept without an end of their keeping are given one: once for each store, a page at a
//! time, so that neither memory nor the writer is taken up by however many there are.

use std::time::Duration;

use super::book::{Commands, ENDED, ENDED_KEPT_FOR, LIST_PAGE, readable};
use crate::backbone::{BackboneError, Batch, Entry, Put};

/// Says that all of a store's ended commands expire.
const UPKEEP: &str = "commands.upkeep";
const ALL_EXPIRE: &str = "ended-expire";

const BETWEEN_PAGES: Duration = Duration::from_secs(1);
const AFTER_A_FAILURE: Duration = Duration::from_secs(10);

impl Commands {
    /// Sees to it that every ended command expires; once that is so, there is nothing to do.
    pub async fn let_ended_expire(&self) {
        while let Err(error) = self.let_all_expire().await {
            tracing::error!(%error, "commands that have ended could not be given the end of their keeping");
            tokio::time::sleep(AFTER_A_FAILURE).await;
        }
    }

    async fn let_all_expire(&self) -> Result<(), BackboneError> {
        if self.backbone.get(UPKEEP, ALL_EXPIRE.to_owned()).await?.is_some() {
            return Ok(());
        }
        let mut before = None;
        loop {
            // What ends meanwhile has a larger key or expires already: whoever writes it says so.
            let page = self.backbone.list(ENDED, before.take(), LIST_PAGE).await?;
            for entry in &page {
                self.let_one_expire(entry).await?;
            }
            match page.last().filter(|_| page.len() >= usize::try_from(LIST_PAGE).unwrap_or(usize::MAX)) {
                Some(last) => before = Some(last.key.clone()),
                None => break,
            }
            tokio::time::sleep(BETWEEN_PAGES).await;
        }
        let done = put(UPKEEP, ALL_EXPIRE.to_owned(), Some(Vec::new()));
        self.commit_unless_changed(done).await
    }

    /// The same command in the same words, with the end of its keeping; gone where that is past. One that cannot be read says
    /// nothing of when it ended, and is kept from now on.
    async fn let_one_expire(&self, entry: &Entry) -> Result<(), BackboneError> {
        let ended_at = readable(entry).map_or_else(|| self.now(), |kept| kept.record.command.updated_at);
        let expires_at = ended_at.checked_add(ENDED_KEPT_FOR);
        let is_past = expires_at.is_some_and(|expires_at| expires_at <= self.now());
        let value = (!is_past).then(|| entry.value.clone());
        let expected_revision = Some(entry.revision);
        self.commit_unless_changed(Put { expected_revision, expires_at, ..put(ENDED, entry.key.clone(), value) }).await
    }

    /// What another replica has changed it has changed to the same end.
    async fn commit_unless_changed(&self, put: Put) -> Result<(), BackboneError> {
        match self.backbone.commit(Batch { events: Vec::new(), puts: vec![put] }).await {
            Ok(_) | Err(BackboneError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn put(bucket: &'static str, key: String, value: Option<Vec<u8>>) -> Put {
    Put { bucket, key, value, expected_revision: None, expires_at: None }
}
