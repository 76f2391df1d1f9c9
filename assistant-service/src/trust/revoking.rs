//! Revocations on their way into the book and out of it.

use std::time::Duration;

use serde::Serialize;
use serde_json::value::to_raw_value;
use trust_core::revocations::Revocation;

use super::book::{REVOCATIONS, TrustBook};
use super::load;
use crate::backbone::{BackboneError, Batch, NewEvent, Put, Revision};
use crate::events::{CloudEvent, Stamp};
use crate::gate::Caller;
use crate::metrics::KindLabel;
use crate::problem::Problem;
use crate::revocations::{Entry, Indexed, RevocationEntry, RevocationKey, Room};

const EVENT_TYPE: &str = "dev.watchgate.revocation";

/// Another replica may write the same; after so many times somebody is asking in a loop.
const ATTEMPTS: usize = 4;

const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Removed in one commit, so that others are not kept waiting.
const SWEPT_AT_ONCE: usize = 500;

/// What the event of a revocation says: never the token, and no name by which somebody could be found.
#[derive(Serialize)]
struct Revoked<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
    keep_until: u64,
}

impl TrustBook {
    /// Revokes, unless that is revoked already; returns when it is durable and in force here.
    pub(crate) async fn revoke(&self, entry: Entry, caller: &Caller) -> Result<(), Problem> {
        self.revoke_with(&entry, caller, Room::All, Batch::default()).await
    }

    /// Revokes a session of ours, together with what its end changes: both are durable, or nothing is. Sessions leave room in
    /// the index for what people revoke: when they have filled their part of it this is [`Problem::TooManyRevocations`].
    pub(crate) async fn revoke_session(&self, entry: &Entry, caller: &Caller, end: Batch) -> Result<(), Problem> {
        self.revoke_with(entry, caller, Room::OfSessions, end).await
    }

    async fn revoke_with(&self, entry: &Entry, caller: &Caller, room: Room, with: Batch) -> Result<(), Problem> {
        let mut turn = self.turn.lock().await;
        let key = RevocationKey::from(&entry.revocation);
        let mut attempt = 1;
        loop {
            let kept = self.read().revocations.get(&key).cloned();
            let wanted = match &kept {
                Some(Indexed { entry: kept, .. }) => match kept.widened_by(entry) {
                    Some(wider) => wider,
                    None if with.puts.is_empty() => return Ok(()),
                    None => return Ok(self.backbone.commit(with).await.map(drop)?),
                },
                None if self.read().revocations.takes(entry, room) => entry.clone(),
                None => return Err(Problem::TooManyRevocations),
            };
            let value = Some(serde_json::to_vec(&RevocationEntry::from(&wanted)).map_err(Problem::internal)?);
            let expected_revision = kept.map(|kept| kept.revision);
            let put = Put { bucket: REVOCATIONS, key: key.to_string(), value, expected_revision, expires_at: None };
            let mut batch = with.clone();
            batch.events.push(self.event(&wanted, &key, caller)?);
            batch.puts.insert(0, put);
            match self.commit_all(batch).await {
                Ok(revision) => {
                    self.metrics.revocations.get_or_create(&KindLabel { kind: wanted.kind() }).inc();
                    self.take_over_own(&mut turn, |content| content.revocations.insert(wanted, revision)).await;
                    return Ok(());
                }
                Err(BackboneError::Conflict { bucket: REVOCATIONS, .. }) if attempt < ATTEMPTS => {
                    attempt = attempt.saturating_add(1);
                    self.read_again(&key).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes over what somebody else has made of an entry; it is told when all before it has been taken over.
    async fn read_again(&self, key: &RevocationKey) -> Result<(), Problem> {
        match self.backbone.get(REVOCATIONS, key.to_string()).await? {
            Some(stored) => {
                let entry = load::revocation(&stored.value);
                let entry = entry.ok_or_else(|| Problem::mistake(format!("the revocation {key} is not readable")))?;
                self.take_over(|content| content.revocations.insert(entry, stored.revision));
            }
            None => self.take_over(|content| content.revocations.remove(key)),
        }
        Ok(())
    }

    fn event(&self, entry: &Entry, key: &RevocationKey, caller: &Caller) -> Result<NewEvent, Problem> {
        let before = match entry.revocation {
            Revocation::Subject { issued_before, .. } => Some(issued_before.0),
            Revocation::Token { .. } | Revocation::Id { .. } | Revocation::Session { .. } => None,
        };
        let data = Revoked { kind: entry.kind(), iss: entry.issuer(), before, keep_until: entry.keep_until };
        let data = to_raw_value(&data).map_err(Problem::internal)?;
        let event = CloudEvent::own(EVENT_TYPE.to_owned(), Some(key.to_string()), data);
        let correlation_id = Some(caller.transaction());
        let stamp = Stamp { caller: Some(caller), correlation_id, traceparent: None, arrived_at: self.clock.now() };
        NewEvent::try_from(event.stamped(&stamp)).map_err(Problem::internal)
    }

    /// Forgets what nobody has needed to remember for a day, every minute, for ever.
    pub async fn sweep_for_ever(&self) {
        loop {
            if let Err(error) = self.sweep().await {
                tracing::error!(%error, "revocations that have ended could not be removed");
            }
            tokio::time::sleep(SWEEP_EVERY).await;
        }
    }

    /// Forgets what nobody has needed to remember for a day.
    pub async fn sweep(&self) -> Result<(), BackboneError> {
        loop {
            let mut turn = self.turn.lock().await;
            let now = u64::try_from(self.clock.now().unix_timestamp()).unwrap_or_default();
            let ended = self.read().revocations.ended(now, SWEPT_AT_ONCE);
            if ended.is_empty() {
                return Ok(());
            }
            let put = |(key, revision): &(RevocationKey, _)| Put {
                bucket: REVOCATIONS,
                key: key.to_string(),
                value: None,
                expected_revision: Some(*revision),
                expires_at: None,
            };
            match self.backbone.commit(Batch { events: Vec::new(), puts: ended.iter().map(put).collect() }).await {
                Ok(_) => self.take_over(|content| ended.iter().for_each(|(key, _)| content.revocations.remove(key))),
                // Another replica forgets the same. The next sweep goes on.
                Err(BackboneError::Conflict { .. }) => {
                    self.catch_up(&mut turn).await?;
                    return self.forget_absent(&ended).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Forgets what another replica has forgotten: that an entry was removed is told for an hour, and this one may have heard of
    /// nothing for longer. To be called by whoever has the turn.
    async fn forget_absent(&self, ended: &[(RevocationKey, Revision)]) -> Result<(), BackboneError> {
        for (key, _) in ended {
            if self.backbone.get(REVOCATIONS, key.to_string()).await?.is_none() {
                self.take_over(|content| content.revocations.remove(key));
            }
        }
        Ok(())
    }
}
