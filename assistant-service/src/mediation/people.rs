//! Which mediations somebody is in: one entry for each person, changed in the same step as what it lists.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use trust_core::principal::Principal;

use super::book::Kept;
use super::record::{Record, Side};
use crate::backbone::{Backbone, BackboneError, Put, Revision};
use crate::problem::Problem;

pub(super) const PEOPLE: &str = "mediations.people";

/// Of one person: more that are open are not begun.
const MOST_OPEN: usize = 20;

/// Of one person, of those that he or she has begun and of the others each, ended ones that are still kept among them.
const MOST_KEPT: usize = 100;

/// As many are begun by one person within [`BEGINNINGS_KEPT_FOR`]: each takes a place in somebody else's list.
const MOST_BEGINNINGS: usize = 10;
const BEGINNINGS_KEPT_FOR: Duration = Duration::DAY;

/// Longer than any mediation of it is kept.
const KEPT_FOR: Duration = Duration::days(500);

/// The mediations of one person as they were read.
pub(super) struct Listed {
    who: Principal,
    key: String,
    revision: Option<Revision>,
    /// Newest last, those that are still there.
    pub(super) records: Vec<Record>,
    /// When the person has begun one, by the second, old ones first.
    begun_at: Vec<i64>,
}

#[derive(Default, Serialize, Deserialize)]
struct Content {
    ids: Vec<String>,
    #[serde(default)]
    begun_at: Vec<i64>,
}

impl Listed {
    pub(super) async fn of(backbone: &dyn Backbone, who: &Principal) -> Result<Self, Problem> {
        let key = key(who);
        let entry = backbone.get(PEOPLE, key.clone()).await?;
        let revision = entry.as_ref().map(|entry| entry.revision);
        let Content { ids, begun_at } = match &entry {
            Some(entry) => serde_json::from_slice(&entry.value).map_err(unreadable)?,
            None => Content::default(),
        };
        let mut records = Vec::new();
        for id in ids {
            let Some(kept) = Kept::read(backbone, &id).await? else { continue };
            // Whoever has left is not in it any more.
            if kept.record.side_of(who).is_ok() {
                records.push(kept.record);
            }
        }
        Ok(Self { who: who.clone(), key, revision, records, begun_at })
    }

    /// Whether the person may begin one more. What others begin with somebody takes nothing from what they may begin.
    pub(super) fn may_begin(&self, now: OffsetDateTime) -> Result<(), Problem> {
        let own = || self.on(Side::First);
        if own().count() >= MOST_KEPT || own().filter(|record| !record.state.is_final()).count() >= MOST_OPEN {
            return Err(Problem::TooManyMediations);
        }
        let begun_at = self.begun_lately(now);
        match begun_at.first() {
            Some(first) if begun_at.len() >= MOST_BEGINNINGS => {
                let left =
                    first.saturating_add(BEGINNINGS_KEPT_FOR.whole_seconds()).saturating_sub(now.unix_timestamp());
                Err(Problem::TooOften { retry_after_seconds: u64::try_from(left).unwrap_or_default().max(1) })
            }
            _ => Ok(()),
        }
    }

    /// Whether the person may be drawn into one more.
    pub(super) fn may_be_drawn_in(&self) -> Result<(), Problem> {
        if self.on(Side::Second).count() >= MOST_KEPT { Err(Problem::TooManyMediations) } else { Ok(()) }
    }

    /// The change by which the person has begun one more.
    pub(super) fn with_begun(&self, id: &str, now: OffsetDateTime) -> Result<Option<Put>, Problem> {
        let begun_at = self.begun_lately(now).into_iter().chain([now.unix_timestamp()]).collect();
        self.put(self.ids().chain([id.to_owned()]).collect(), begun_at, now)
    }

    /// The change by which the person is in one more.
    pub(super) fn with(&self, id: &str, now: OffsetDateTime) -> Result<Option<Put>, Problem> {
        self.put(self.ids().chain([id.to_owned()]).collect(), self.begun_lately(now), now)
    }

    /// The change by which the person is in one less.
    pub(super) fn without(&self, id: &str, now: OffsetDateTime) -> Result<Option<Put>, Problem> {
        self.put(self.ids().filter(|one| one != id).collect(), self.begun_lately(now), now)
    }

    fn on(&self, side: Side) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| record.party(side).principal == self.who)
    }

    fn ids(&self) -> impl Iterator<Item = String> {
        self.records.iter().map(|record| record.id.clone())
    }

    fn begun_lately(&self, now: OffsetDateTime) -> Vec<i64> {
        let since = now.unix_timestamp().saturating_sub(BEGINNINGS_KEPT_FOR.whole_seconds());
        self.begun_at.iter().copied().filter(|at| *at > since).collect()
    }

    /// An entry that says nothing is not kept, and one that says only when something was begun no longer than that counts.
    fn put(&self, ids: Vec<String>, begun_at: Vec<i64>, now: OffsetDateTime) -> Result<Option<Put>, Problem> {
        let kept_for = match (ids.is_empty(), begun_at.is_empty()) {
            (true, true) if self.revision.is_none() => return Ok(None),
            (true, true) => None,
            (true, false) => Some(BEGINNINGS_KEPT_FOR),
            (false, _) => Some(KEPT_FOR),
        };
        let value = serde_json::to_vec(&Content { ids, begun_at }).map_err(Problem::internal)?;
        Ok(Some(Put {
            bucket: PEOPLE,
            key: self.key.clone(),
            value: kept_for.is_some().then_some(value),
            expected_revision: self.revision,
            expires_at: kept_for.and_then(|kept_for| now.checked_add(kept_for)),
        }))
    }
}

/// Keys have bounds of their own, which subjects have not.
fn key(who: &Principal) -> String {
    Sha256::digest(who.uri()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The texts of a record must not come into the log by the words of whoever could not read it.
pub(super) fn unreadable(error: serde_json::Error) -> BackboneError {
    let (line, column) = (error.line(), error.column());
    BackboneError::Unavailable(format!("an entry about mediations is not readable at {line}:{column}"))
}
