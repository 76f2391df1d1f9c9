//! Which mediations somebody is in: one entry for each person, changed in the same step as what it lists.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use trust_core::principal::Principal;

use super::record::Record;
use crate::backbone::{Backbone, BackboneError, Put, Revision};
use crate::problem::Problem;

pub(super) const PEOPLE: &str = "mediations.people";

/// Of one person, ended ones that are still kept among them. More that one has been asked into are not taken.
pub(super) const MOST_LISTED: usize = 100;

/// Longer than any mediation of it is kept.
const KEPT_FOR: Duration = Duration::days(500);

/// The mediations of one person as they were read.
pub(super) struct Listed {
    key: String,
    revision: Option<Revision>,
    /// Newest last, those that are still there.
    pub(super) records: Vec<Record>,
}

#[derive(Default, Serialize, Deserialize)]
struct Ids {
    ids: Vec<String>,
}

impl Listed {
    pub(super) async fn of(backbone: &dyn Backbone, who: &Principal) -> Result<Self, Problem> {
        let key = key(who);
        let entry = backbone.get(PEOPLE, key.clone()).await?;
        let revision = entry.as_ref().map(|entry| entry.revision);
        let ids = match &entry {
            Some(entry) => serde_json::from_slice::<Ids>(&entry.value).map_err(unreadable)?.ids,
            None => Vec::new(),
        };
        let mut records = Vec::new();
        for id in ids {
            let Some(kept) = super::book::Kept::read(backbone, &id).await? else { continue };
            // Whoever has left is not in it any more.
            if kept.record.side_of(who).is_ok() {
                records.push(kept.record);
            }
        }
        Ok(Self { key, revision, records })
    }

    /// How many are not at their end.
    pub(super) fn open_count(&self) -> usize {
        self.records.iter().filter(|record| !record.state.is_final()).count()
    }

    /// The change by which the person is in one more.
    pub(super) fn with(&self, id: &str, now: OffsetDateTime) -> Result<Put, Problem> {
        self.put(self.ids().chain([id.to_owned()]).collect(), now)
    }

    /// The change by which the person is in one less.
    pub(super) fn without(&self, id: &str, now: OffsetDateTime) -> Result<Put, Problem> {
        self.put(self.ids().filter(|one| one != id).collect(), now)
    }

    fn ids(&self) -> impl Iterator<Item = String> {
        self.records.iter().map(|record| record.id.clone())
    }

    fn put(&self, ids: Vec<String>, now: OffsetDateTime) -> Result<Put, Problem> {
        let is_empty = ids.is_empty() && self.revision.is_some();
        let value = serde_json::to_vec(&Ids { ids }).map_err(Problem::internal)?;
        Ok(Put {
            bucket: PEOPLE,
            key: self.key.clone(),
            value: (!is_empty).then_some(value),
            expected_revision: self.revision,
            expires_at: if is_empty { None } else { now.checked_add(KEPT_FOR) },
        })
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
