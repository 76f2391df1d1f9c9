//! Follows the service: what it revokes is in force here within a moment, and what it no longer tells is not believed for
//! long.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};
use trust_core::gate_key::GateKeys;
use zeroize::Zeroizing;

use super::allowance::Backoff;
use super::complaint::Complaint;
use super::gate_keys::Told;
use super::heard::Heard;
use super::issuer::Chain;
use super::key_sets::{KeySets, NotTaken};
use super::revoked::{NotApplied, Revoked};
use super::service::{Service, ServiceError};
use super::wire::TrustAnswer;

/// A service that is back may revoke at once, and that shall hold within a second.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
const SHARED_EVERY: Duration = Duration::from_secs(5);

/// What the feed brings, and where it goes.
#[derive(Clone)]
pub(super) struct Feed {
    pub(super) service: Service,
    pub(super) revoked: Arc<Revoked>,
    pub(super) heard: Arc<Heard>,
    pub(super) key_sets: Arc<KeySets>,
    /// Whether other hosts' keys are taken, of issuers and of gates. A host that stands alone has no use for anybody's.
    pub(super) is_shared: bool,
    /// The gates' keys as the service has them.
    pub(super) gate_keys: Arc<watch::Sender<Told>>,
    /// There is something new for the head.
    pub(super) changed: Arc<Notify>,
}

#[derive(Debug, thiserror::Error)]
enum NotFollowed {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Applied(#[from] NotApplied),
    #[error("the service's gate keys are none")]
    GateKeys,
    #[error("the keeper ends")]
    Ended,
}

impl Feed {
    /// Asks for ever. It begins with everything: what an earlier keeper took over need not be what the service has now.
    pub(super) async fn follow(self) {
        let mut cursor = None;
        // After a failure any word is waited for, and not the next revocation.
        let mut is_patient = false;
        let mut backoff = Backoff::new();
        let mut complaint = Complaint::new("the service is not heard");
        loop {
            let begun = Instant::now();
            let followed = self.once(cursor.as_deref(), is_patient).await;
            is_patient = followed.is_ok();
            complaint.about(followed.as_ref().map_err(|error| Chain(error).to_string()));
            match followed {
                Ok(next) => {
                    cursor = Some(next);
                    backoff.reset();
                    if let Some(earliest) = begun.checked_add(self.revoked.apart()) {
                        sleep_until(earliest).await;
                    }
                }
                Err(_) => sleep(backoff.wait(LONGEST_WAIT)).await,
            }
        }
    }

    async fn once(&self, cursor: Option<&str>, is_patient: bool) -> Result<String, NotFollowed> {
        let answer = self.service.news(cursor, is_patient).await?;
        let next = answer.cursor.clone();
        let feed = self.clone();
        let is_first = cursor.is_none();
        let applied = tokio::task::spawn_blocking(move || feed.apply(&answer, is_first)).await;
        if applied.map_err(|_| NotFollowed::Ended)?? {
            self.changed.notify_one();
        }
        Ok(next)
    }

    /// Says whether the head has something new to say.
    fn apply(&self, answer: &TrustAnswer, is_first: bool) -> Result<bool, NotFollowed> {
        let mut is_new = self.revoked.apply(&answer.revocations, answer.complete)?;
        // Not before what was told is in a table.
        self.heard.now();
        if self.is_shared {
            is_new |= self.take_keys(answer)?;
        }
        Ok(is_new || is_first)
    }

    /// Takes other hosts' keys, and says whether there are new ones of an issuer.
    fn take_keys(&self, answer: &TrustAnswer) -> Result<bool, NotFollowed> {
        let mut is_new = false;
        for offered in &answer.key_sets {
            match self.key_sets.take_offered(offered) {
                Ok(()) => is_new = true,
                Err(NotTaken::Older | NotTaken::Unknown) => {}
                Err(error) => tracing::warn!(name = offered.name, %error, "another host's keys are not taken"),
            }
        }
        match &answer.gate_keys {
            Some(json) => {
                let json = Zeroizing::new(json.get().as_bytes().to_vec());
                let keys = GateKeys::from_json(&json).map_err(|_| NotFollowed::GateKeys)?;
                self.gate_keys.send_replace(Told::Keys(keys));
            }
            // Nothing new, or nothing at all.
            None if answer.complete => {
                self.gate_keys.send_replace(Told::None);
            }
            None => {}
        }
        Ok(is_new)
    }

    /// Tells other hosts, for ever, what was fetched here.
    pub(super) async fn share(self) {
        let mut complaint = Complaint::new("other hosts cannot be told of new keys");
        loop {
            let key_sets = Arc::clone(&self.key_sets);
            let Ok(unshared) = tokio::task::spawn_blocking(move || key_sets.unshared()).await else { return };
            for keys in unshared {
                let put = self.service.put_key_set(&keys).await;
                if put.is_ok() {
                    self.key_sets.shared(&keys);
                }
                complaint.about(put.as_ref().map_err(|error| Chain(error).to_string()));
            }
            sleep(SHARED_EVERY).await;
        }
    }
}
