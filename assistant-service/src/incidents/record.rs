//! An incident as it is kept and shown: what the engine says of it, and where in the log that stands.

use std::collections::BTreeSet;

use diagnosis::incident::{Incident, IncidentState};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::interrupted::Interrupted;
use crate::backbone::{Backbone, Position, Put, Revision};

pub(super) const INCIDENTS: &str = "incidents";
/// The same in the order in which they were opened, for lists.
pub(super) const LISTED: &str = "incidents.listed";

/// How long an incident is kept after it was resolved.
const KEPT_FOR: time::Duration = time::Duration::days(90);

/// Positions of the first events, and of the newest, that an incident rests on.
const MOST_FIRST: usize = 10;
const MOST_NEWEST: usize = 10;

/// An incident, and what the service knows of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(flatten)]
    pub(super) incident: Incident,
    /// As far as the log had been judged when it was opened: by this they are listed, whatever the clocks of devices say.
    pub(super) opened_after: Position,
    /// Where events stand whose samples made it what it is: the first ten and the newest ten.
    pub(super) evidence: Vec<Position>,
    /// Runbooks that say of themselves that they are worth a look at it.
    pub(super) suggested: BTreeSet<String>,
    /// How often something was told of it.
    pub(super) told: u64,
}

/// What a list looks at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) incident: String,
    pub(super) state: IncidentState,
    pub(super) devices: Vec<String>,
}

/// A record as it was read, and what a change of it must give.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) record: Record,
    revision: Revision,
    listed: Option<Revision>,
}

impl Record {
    pub(super) fn new(incident: Incident, opened_after: Position) -> Self {
        Self { incident, opened_after, evidence: Vec::new(), suggested: BTreeSet::new(), told: 0 }
    }

    /// Takes note of an event that it rests on.
    pub(super) fn rests_on(&mut self, position: Position) {
        if self.evidence.last().is_some_and(|last| *last >= position) {
            return;
        }
        if self.evidence.len() >= MOST_FIRST.saturating_add(MOST_NEWEST) {
            self.evidence.remove(MOST_FIRST);
        }
        self.evidence.push(position);
    }

    /// Where it stands in lists.
    pub(super) fn list_key(&self) -> String {
        format!("{:020}-{}", self.opened_after, self.incident.incident)
    }

    /// What changes with it, at `now`: how long it is kept is counted from there, whatever the clocks of devices say.
    pub(super) fn puts(&self, found: Option<&Found>, now: OffsetDateTime) -> Result<[Put; 2], serde_json::Error> {
        let Incident { incident, state, devices, resolved_at, .. } = &self.incident;
        let listed = Listed { incident: incident.clone(), state: *state, devices: devices.clone() };
        let expires_at = resolved_at.map(|_| now.saturating_add(KEPT_FOR));
        let put = |bucket, key, value, expected_revision| Put {
            bucket,
            key,
            value: Some(value),
            expected_revision,
            expires_at,
        };
        let revision = found.map(|found| found.revision);
        Ok([
            put(INCIDENTS, incident.clone(), serde_json::to_vec(self)?, revision),
            put(LISTED, self.list_key(), serde_json::to_vec(&listed)?, found.and_then(|found| found.listed)),
        ])
    }
}

impl Found {
    /// An incident that is kept.
    pub(super) async fn read(backbone: &dyn Backbone, incident: &str) -> Result<Option<Self>, Interrupted> {
        let Some(entry) = backbone.get(INCIDENTS, incident.to_owned()).await? else { return Ok(None) };
        let record: Record = serde_json::from_slice(&entry.value)?;
        let listed = backbone.get(LISTED, record.list_key()).await?.map(|entry| entry.revision);
        Ok(Some(Self { record, revision: entry.revision, listed }))
    }
}
