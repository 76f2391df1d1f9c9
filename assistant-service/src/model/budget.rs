//! What each account uses of models in a day (UTC), kept in the backbone, so that all replicas count together.
//!
//! What a request may take at most is taken before it is made, and given back after it as far as it was not needed. Whoever
//! ends in between has used it all; and while nobody can say what an account has used, nothing is asked for it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, Time};
use tokio::sync::Mutex;

use super::ModelError;
use super::settings::BudgetSettings;
use crate::backbone::{Backbone, BackboneError, Batch, Put, Revision};
use crate::clock::{Clock, until};

const BUDGETS: &str = "assistant.budgets";

/// Requests of one account take their turns here, so that only other replicas can be in the way.
const TURNS: usize = 64;
const ATTEMPTS: usize = 16;

/// Nobody waits for so long; but what the store has written must be known, to be given back.
const WITHIN: Duration = Duration::from_secs(30);

/// Kept beyond its day, for requests that end after midnight.
const KEPT_FOR: time::Duration = time::Duration::days(2);

/// Where it is kept what accounts have used.
pub(super) struct Budgets {
    settings: BudgetSettings,
    backbone: Arc<dyn Backbone>,
    clock: Arc<dyn Clock>,
    turns: Vec<Mutex<()>>,
}

/// What one account has used in one day, or one request of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Used {
    pub(super) requests: u64,
    pub(super) tokens: u64,
}

/// What was taken for one request. Whoever drops it has used it all.
#[derive(Debug)]
pub(super) struct Reserved {
    key: String,
    expires_at: OffsetDateTime,
    tokens: u64,
}

impl Budgets {
    /// Nothing where nothing is limited.
    pub(super) fn open(settings: BudgetSettings, backbone: Arc<dyn Backbone>, clock: Arc<dyn Clock>) -> Option<Self> {
        let is_limited = settings != BudgetSettings::default();
        let turns = std::iter::repeat_with(Mutex::default).take(TURNS).collect();
        is_limited.then_some(Self { settings, backbone, clock, turns })
    }

    /// Takes a request and so many tokens of an account's day.
    pub(super) async fn reserve(&self, account: &str, tokens: u64) -> Result<Reserved, ModelError> {
        let now = self.clock.now().to_offset(time::UtcOffset::UTC);
        // Whoever reads the store need not learn who asks.
        let account = Sha256::digest(account).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let midnight = now.date().next_day().map_or(now, |day| day.with_time(Time::MIDNIGHT).assume_utc());
        let key = format!("{}.{account}", now.date());
        let reserved = Reserved { key, expires_at: midnight.saturating_add(KEPT_FOR), tokens };
        let BudgetSettings { requests_per_day, tokens_per_day } = self.settings;
        self.change(&reserved, |used| {
            let used = Used { requests: used.requests.saturating_add(1), tokens: used.tokens.saturating_add(tokens) };
            let is_beyond = |used: u64, most: Option<u64>| most.is_some_and(|most| used > most);
            if is_beyond(used.requests, requests_per_day) || is_beyond(used.tokens, tokens_per_day) {
                return Err(ModelError::OverBudget { retry_after: until(midnight, now) });
            }
            Ok(used)
        })
        .await?;
        Ok(reserved)
    }

    /// Puts what was used in the place of what was taken.
    pub(super) async fn settle(&self, reserved: Reserved, spent: Used) {
        let settled = self.change(&reserved, |used| {
            Ok(Used {
                requests: used.requests.saturating_sub(1).saturating_add(spent.requests),
                tokens: used.tokens.saturating_sub(reserved.tokens).saturating_add(spent.tokens),
            })
        });
        if let Err(error) = settled.await {
            tracing::warn!(%error, "what a request to a model took is not settled; all that was reserved counts as used");
        }
    }

    async fn change(
        &self,
        reserved: &Reserved,
        change: impl Fn(Used) -> Result<Used, ModelError>,
    ) -> Result<(), ModelError> {
        let unkept = |why: String| ModelError::Unavailable(format!("budgets cannot be kept: {why}"));
        let changed = async {
            let _turn = match self.turn(&reserved.key) {
                Some(turn) => Some(turn.lock().await),
                None => None,
            };
            for _ in 0..ATTEMPTS {
                let entry = self.backbone.get(BUDGETS, reserved.key.clone()).await;
                let entry = entry.map_err(|error| unkept(error.to_string()))?;
                let used = entry.as_ref().map(|entry| serde_json::from_slice(&entry.value)).transpose();
                let used: Option<Used> = used.map_err(|error| unkept(error.to_string()))?;
                let used = change(used.unwrap_or_default())?;
                match self.put(reserved, used, entry.map(|entry| entry.revision)).await {
                    Ok(()) => return Ok(()),
                    // Another replica was faster.
                    Err(BackboneError::Conflict { .. }) => {}
                    Err(error) => return Err(unkept(error.to_string())),
                }
            }
            Err(unkept("too many others change the same".to_owned()))
        };
        let changed = tokio::time::timeout(WITHIN, changed).await;
        changed.unwrap_or_else(|_| Err(unkept("the store took too long".to_owned())))
    }

    async fn put(
        &self,
        reserved: &Reserved,
        used: Used,
        expected_revision: Option<Revision>,
    ) -> Result<(), BackboneError> {
        let value = serde_json::to_vec(&used).map_err(|error| BackboneError::Unavailable(error.to_string()))?;
        let put = Put {
            bucket: BUDGETS,
            key: reserved.key.clone(),
            value: Some(value),
            expected_revision,
            expires_at: Some(reserved.expires_at),
        };
        self.backbone.commit(Batch { events: Vec::new(), puts: vec![put] }).await.map(drop)
    }

    fn turn(&self, key: &str) -> Option<&Mutex<()>> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let place = usize::try_from(hasher.finish()).unwrap_or_default().checked_rem(self.turns.len())?;
        self.turns.get(place)
    }
}

#[cfg(test)]
mod tests;
