//! How the book is opened: whole, or not at all. A revocation that cannot be read would be one that nobody enforces.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use trust_core::gate_key::GateKeys;

use super::book::{Content, REVOCATIONS, Revised, StoredGateKeys, TRUST, TrustBook};
use super::key_sets::KeySet;
use crate::backbone::{Backbone, BackboneError, Batch, Entry as Stored, Put, Revision};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::revocations::{Entry, RevocationEntry};

const PAGE: u32 = 1000;

const STORE: &str = "store";
pub(super) const GATE_KEYS: &str = "gate-keys";
const KEY_SET: &str = "key-set/";

/// Why the book cannot be opened.
#[derive(Debug, Error)]
pub enum CannotLoad {
    /// The store did not give it.
    #[error(transparent)]
    Store(#[from] BackboneError),
    /// An entry is not what this program writes.
    #[error("the entry {bucket}/{key} is not readable; use the program that wrote it, or a newer one")]
    Unreadable {
        /// The bucket.
        bucket: &'static str,
        /// The entry's name in it.
        key: String,
    },
}

impl TrustBook {
    /// Reads all that `backbone` holds of it. `keep_for` is how long a revocation is kept whose tokens do not say when
    /// they end.
    pub async fn load(
        backbone: Arc<dyn Backbone>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        keep_for: Duration,
    ) -> Result<Self, CannotLoad> {
        let store = store(&*backbone).await?;
        // Before the look: what other replicas change meanwhile is followed from here on.
        let up_to = *backbone.newest_revision().borrow();
        let mut content = Content::default();
        let mut newest = 0;
        for bucket in [REVOCATIONS, TRUST] {
            let mut before = None;
            loop {
                let page = backbone.list(bucket, before, PAGE).await?;
                let Some(last) = page.last() else { break };
                before = Some(last.key.clone());
                for stored in page {
                    newest = stored.revision.max(newest);
                    let key = stored.key.clone();
                    content.take(bucket, stored).ok_or(CannotLoad::Unreadable { bucket, key })?;
                }
            }
        }
        metrics.revocations_kept.set(i64::try_from(content.revocations.len()).unwrap_or(i64::MAX));
        Ok(Self::new((backbone, clock, metrics), keep_for.as_secs(), store, (content, newest, up_to)))
    }
}

impl Content {
    /// Nothing when the entry is not readable.
    pub(super) fn take(&mut self, bucket: &str, stored: Stored) -> Option<()> {
        let Stored { key, value, revision } = stored;
        if bucket == REVOCATIONS {
            self.revocations.insert(revocation(&value)?, revision);
        } else if key == GATE_KEYS {
            self.gate_keys = Some(gate_keys(&value, revision)?);
        } else if let Some(name) = key_set_name(&key) {
            self.key_sets.insert(name.to_owned(), key_set(&value, revision)?);
        } else if key != STORE {
            return None;
        }
        Some(())
    }
}

pub(super) fn revocation(value: &[u8]) -> Option<Entry> {
    serde_json::from_slice::<RevocationEntry>(value).ok()?.into_entry()
}

pub(super) fn key_set(value: &[u8], revision: Revision) -> Option<Revised<KeySet>> {
    Some(Revised { value: serde_json::from_slice(value).ok()?, revision })
}

pub(super) fn gate_keys(value: &[u8], revision: Revision) -> Option<Revised<StoredGateKeys>> {
    let keys = GateKeys::from_json(value).ok()?;
    Some(Revised { value: StoredGateKeys::from(&keys), revision })
}

/// Where a key set is kept.
pub(super) fn key_set_key(name: &str) -> String {
    format!("{KEY_SET}{name}")
}

/// Which key set is kept there, if one is.
pub(super) fn key_set_name(key: &str) -> Option<&str> {
    key.strip_prefix(KEY_SET)
}

/// The store's own name, given when it is opened first. A keeper that comes with the cursor of another store, or of one
/// that was thrown away, must get everything.
async fn store(backbone: &dyn Backbone) -> Result<String, CannotLoad> {
    let unreadable = || CannotLoad::Unreadable { bucket: TRUST, key: STORE.to_owned() };
    if let Some(stored) = backbone.get(TRUST, STORE.to_owned()).await? {
        return String::from_utf8(stored.value).map_err(|_| unreadable());
    }
    let name = uuid::Uuid::now_v7().simple().to_string();
    let value = Some(name.clone().into_bytes());
    let put = Put { bucket: TRUST, key: STORE.to_owned(), value, expected_revision: None, expires_at: None };
    match backbone.commit(Batch { events: Vec::new(), puts: vec![put] }).await {
        Ok(_) => Ok(name),
        // Another replica was faster.
        Err(BackboneError::Conflict { .. }) => {
            let stored = backbone.get(TRUST, STORE.to_owned()).await?.ok_or_else(unreadable)?;
            String::from_utf8(stored.value).map_err(|_| unreadable())
        }
        Err(error) => Err(error.into()),
    }
}
