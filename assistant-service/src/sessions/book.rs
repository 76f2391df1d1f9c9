//! How sessions are kept and changed: by compare-and-set, each change with its event and with what it spends in one commit.

use time::OffsetDateTime;
use trust_core::dpop::InvalidProof;
use trust_core::principal::Principal;

use super::Sessions;
use super::owned::Owned;
use super::proofs::{PROOFS, Proven};
use super::record::{Record, State};
use super::refusal::Refusal;
use super::telling::Told;
use crate::backbone::{BackboneError, Batch, Put, Revision};
use crate::clock::{millis, time_of};
use crate::gate::Caller;
use crate::problem::Problem;
use crate::revocations::Entry;

const SESSIONS: &str = "sessions";
const OWNERS: &str = "sessions.owners";
/// By a code that a device shows: the session that waits.
pub(super) const CODES: &str = "sessions.codes";

/// Whoever comes at the same time as others looks again so often.
pub(super) const ATTEMPTS: usize = 16;

/// How long it is remembered of a session that it is over, so that a device and a picture can say so, in milliseconds.
const REMEMBERED: i64 = 10 * 60 * 1000;

/// A record and its version.
pub(super) struct Kept {
    pub(super) record: Record,
    revision: Revision,
}

/// What somebody makes of a session.
pub(super) struct Change<T> {
    pub(super) record: Record,
    pub(super) told: Option<Told>,
    /// Further entries that change with it.
    pub(super) puts: Vec<Put>,
    /// What is revoked with it.
    pub(super) revoked: Option<Entry>,
    pub(super) result: T,
}

/// Who changes something: a caller, and the proof that is spent with it.
#[derive(Clone, Copy)]
pub(super) struct By<'a> {
    pub(super) caller: &'a Caller,
    pub(super) proof: Option<&'a Proven>,
}

impl<T> Change<T> {
    pub(super) fn new(record: Record, told: impl Into<Option<Told>>, result: T) -> Self {
        Self { record, told: told.into(), puts: Vec::new(), revoked: None, result }
    }
}

impl Sessions {
    pub(super) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// A session that is remembered.
    pub(super) async fn find(&self, id: &str) -> Result<Option<Kept>, Problem> {
        let Some(entry) = self.backbone.get(SESSIONS, id.to_owned()).await? else { return Ok(None) };
        let record = serde_json::from_slice(&entry.value).map_err(Problem::internal)?;
        Ok(Some(Kept { record, revision: entry.revision }))
    }

    /// One of the person's own, over or not; there is none of anybody else's.
    pub(super) async fn find_own(&self, id: &str, person: &Principal) -> Result<Record, Problem> {
        let kept =
            self.find(id).await?.filter(|kept| kept.record.owner.as_ref().is_some_and(|owner| owner.person == *person));
        Ok(kept.ok_or(Problem::NotFound)?.record)
    }

    /// The person's sessions that are not over, oldest first.
    pub(super) async fn all_of(&self, person: &Principal) -> Result<Vec<Record>, Problem> {
        let (owned, _) = self.owned(&Owned::key(person)).await?;
        let now = self.now();
        let mut records = Vec::new();
        for id in owned.ids() {
            records.extend(self.find(id).await?.map(|kept| kept.record).filter(|record| !record.is_over(now)));
        }
        Ok(records)
    }

    /// Keeps a new one.
    pub(super) async fn add(&self, change: Change<()>, by: By<'_>) -> Result<Record, Refusal> {
        for _ in 0..ATTEMPTS {
            match self.commit(&change, None, by).await {
                Err(Refusal::Problem(Problem::Store(BackboneError::Conflict { bucket: OWNERS, .. }))) => {}
                committed => return committed.map(|()| change.record),
            }
        }
        Err(Problem::Busy.into())
    }

    /// Changes one, by what `step` makes of it as it is; again when somebody was faster.
    pub(super) async fn change<T>(
        &self,
        id: &str,
        by: By<'_>,
        mut step: impl FnMut(Record, OffsetDateTime) -> Result<Change<T>, Refusal>,
    ) -> Result<T, Refusal> {
        for _ in 0..ATTEMPTS {
            let kept = self.find(id).await?.ok_or(Problem::NotFound)?;
            let change = step(kept.record, self.now())?;
            match self.commit(&change, Some(kept.revision), by).await {
                Err(Refusal::Problem(Problem::Store(BackboneError::Conflict { .. }))) => {}
                committed => return committed.map(|()| change.result),
            }
        }
        Err(Problem::Busy.into())
    }

    async fn commit<T>(&self, change: &Change<T>, revision: Option<Revision>, by: By<'_>) -> Result<(), Refusal> {
        let now = self.now();
        let Change { record, told, puts, revoked, .. } = change;
        let mut puts = puts.clone();
        if let Some(owner) = &record.owner {
            puts.extend(self.owners_put(&owner.person, record, now).await?);
        }
        let remembered_until = match record.state {
            State::Ended => millis(now),
            _ => record.until,
        };
        puts.push(Put {
            bucket: SESSIONS,
            key: record.id.clone(),
            value: Some(serde_json::to_vec(record).map_err(Problem::internal)?),
            expected_revision: revision,
            expires_at: Some(time_of(remembered_until.saturating_add(REMEMBERED))),
        });
        puts.extend(by.proof.map(|proof| proof.spent(now)));
        let events = told.map(|told| told.event(record, by.caller, now)).transpose()?;
        let batch = Batch { events: events.into_iter().collect(), puts };
        let committed = match revoked {
            Some(entry) => self.trust.revoke_session(entry, by.caller, batch).await,
            None => self.backbone.commit(batch).await.map(drop).map_err(Problem::from),
        };
        match committed {
            Err(Problem::Store(BackboneError::Conflict { bucket: PROOFS, .. })) => Err(InvalidProof::Replayed.into()),
            committed => Ok(committed?),
        }
    }

    /// Nothing where it stays as it is: a device that asks in a loop must not keep its person from changing the entry.
    async fn owners_put(
        &self,
        person: &Principal,
        record: &Record,
        now: OffsetDateTime,
    ) -> Result<Option<Put>, Problem> {
        let key = Owned::key(person);
        let (before, revision) = self.owned(&key).await?;
        let owned = before.clone().with(record, millis(now))?;
        if owned == before {
            return Ok(None);
        }
        let value = Some(serde_json::to_vec(&owned).map_err(Problem::internal)?);
        let expires_at = Some(time_of(owned.until().max(millis(now)).saturating_add(REMEMBERED)));
        Ok(Some(Put { bucket: OWNERS, key, value, expected_revision: revision, expires_at }))
    }

    async fn owned(&self, key: &str) -> Result<(Owned, Option<Revision>), Problem> {
        let Some(entry) = self.backbone.get(OWNERS, key.to_owned()).await? else { return Ok((Owned::default(), None)) };
        Ok((serde_json::from_slice(&entry.value).map_err(Problem::internal)?, Some(entry.revision)))
    }
}
