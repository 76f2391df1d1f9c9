//! How the book keeps up with the other replicas. It reads what has changed in its buckets, whoever changed it, and only by that
//! does its newest revision grow: whoever has seen a revision has seen all before it, of whichever replica.

use std::time::Duration;

use tokio::sync::watch;

use super::book::{Content, Followed, REVOCATIONS, TRUST, TrustBook};
use super::load;
use crate::backbone::{BackboneError, Change, Entry, Revision, Standing};
use crate::revocations::RevocationKey;

const PAGE: u32 = 1000;

const AFTER_A_FAILURE: Duration = Duration::from_secs(1);

impl TrustBook {
    /// Takes over what other replicas change, for ever, and says so when it cannot.
    pub async fn follow_for_ever(&self) {
        let mut newest = self.backbone.newest_revision();
        let mut standing = self.backbone.standing();
        loop {
            // Marked as seen before the look, so that what comes between the two is looked at again.
            newest.mark_unchanged();
            let caught_up = tokio::select! {
                biased;
                () = until(&mut standing, Standing::Behind) => Err(BackboneError::Unavailable("it is behind".to_owned())),
                caught_up = async { self.catch_up(&mut *self.turn.lock().await).await } => caught_up,
            };
            match caught_up {
                Ok(()) => {
                    self.hearing.hears();
                    tokio::select! {
                        () = until(&mut standing, Standing::Behind) => {}
                        changed = newest.changed() => if changed.is_err() { return },
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "what is trusted cannot be followed");
                    self.hearing.hears_nothing();
                    until(&mut standing, Standing::Current).await;
                    tokio::time::sleep(AFTER_A_FAILURE).await;
                }
            }
        }
    }

    /// Takes over all that was durable when it was called. To be called by whoever has the turn.
    pub(super) async fn catch_up(&self, turn: &mut Followed) -> Result<(), BackboneError> {
        // Known before the look: what comes in while the buckets are read one after the other is not all of it.
        let target = *self.backbone.newest_revision().borrow();
        let mut newest = 0;
        for bucket in [REVOCATIONS, TRUST] {
            let mut after = turn.up_to;
            loop {
                let changes = self.backbone.changes(bucket, after, PAGE).await?;
                let Some(last) = changes.last() else { break };
                after = last.revision;
                // Removals are nobody's news: whoever knows an entry knows its end.
                let told = changes.iter().filter(|change| change.value.is_some() && change.revision <= target);
                newest = told.map(|change| change.revision).fold(newest, Revision::max);
                self.take_over(|content| changes.into_iter().try_for_each(|change| content.follow(bucket, change)))?;
            }
        }
        turn.up_to = target.max(turn.up_to);
        self.tell(newest);
        Ok(())
    }
}

/// Returns when the store stands so; never when it has ended, and with it the service.
async fn until(standing: &mut watch::Receiver<Standing>, wanted: Standing) {
    if standing.wait_for(|standing| *standing == wanted).await.is_err() {
        std::future::pending().await
    }
}

impl Content {
    /// Takes a change over, unless a later one of the same entry is here already. What a newer program has written and this one
    /// cannot read is not passed over: whoever does not know what is revoked is as good as cut off.
    fn follow(&mut self, bucket: &'static str, change: Change) -> Result<(), BackboneError> {
        let Change { key, value, revision } = change;
        if self.revision_of(bucket, &key).is_some_and(|known| known >= revision) {
            return Ok(());
        }
        let Some(value) = value else {
            self.forget(bucket, &key);
            return Ok(());
        };
        let unreadable = BackboneError::Unavailable(format!("the entry {bucket}/{key} is not readable here"));
        self.take(bucket, Entry { key, value, revision }).ok_or(unreadable)
    }

    fn revision_of(&self, bucket: &'static str, key: &str) -> Option<Revision> {
        if bucket == REVOCATIONS {
            self.revocations.get(&RevocationKey::from_text(key)?).map(|kept| kept.revision)
        } else if key == load::GATE_KEYS {
            self.gate_keys.as_ref().map(|keys| keys.revision)
        } else {
            self.key_sets.get(load::key_set_name(key)?).map(|set| set.revision)
        }
    }

    fn forget(&mut self, bucket: &'static str, key: &str) {
        if bucket == REVOCATIONS {
            if let Some(key) = RevocationKey::from_text(key) {
                self.revocations.remove(&key);
            }
        } else if key == load::GATE_KEYS {
            self.gate_keys = None;
        } else if let Some(name) = load::key_set_name(key) {
            self.key_sets.remove(name);
        }
    }
}
