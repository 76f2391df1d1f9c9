//! Incidents as events. Each has an id that follows from what it says: made twice of the same, it is one event.

use diagnosis::engine::Change;
use diagnosis::incident::Incident;
use serde::Serialize;
use serde_json::value::to_raw_value;
use time::OffsetDateTime;

use super::record::Record;
use crate::backbone::NewEvent;
use crate::events::{CloudEvent, OWN_SOURCE, Stamp};
use crate::runbooks::{RunbookCatalogue, SuggestWhen};

/// What the types of all of them begin with.
const INCIDENT: &str = "dev.watchgate.incident";

/// Runbooks that one incident suggests.
const MOST_SUGGESTED: usize = 3;

/// An event names no more movements and devices; the incident itself does.
const MOST_TOLD: usize = 16;

/// What became of an incident, for its event's type and for the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Opened,
    Updated,
    Resolved,
}

impl Said {
    pub(super) fn of(change: Change) -> (Self, Incident) {
        match change {
            Change::Opened(incident) => (Self::Opened, incident),
            Change::Updated(incident) => (Self::Updated, incident),
            Change::Resolved(incident) => (Self::Resolved, incident),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Updated => "updated",
            Self::Resolved => "resolved",
        }
    }
}

#[derive(Serialize)]
struct Data<'a> {
    #[serde(flatten)]
    incident: &'a Incident,
    evidence: &'a [u64],
    suggested: &'a std::collections::BTreeSet<String>,
}

/// The event that says what a record has become.
pub(super) fn event(said: Said, record: &Record, now: OffsetDateTime) -> Result<NewEvent, serde_json::Error> {
    let mut incident = record.incident.clone();
    incident.moved.truncate(MOST_TOLD);
    incident.devices.truncate(MOST_TOLD);
    let name = &record.incident.incident;
    let data = to_raw_value(&Data { incident: &incident, evidence: &record.evidence, suggested: &record.suggested })?;
    let stamp = Stamp { caller: None, correlation_id: Some(name), traceparent: None, arrived_at: now };
    let event = CloudEvent::own(event_type(said), Some(name.clone()), data);
    event.named(format!("{name}.{}", record.told)).stamped(&stamp).try_into()
}

/// The runbooks that say of themselves that they are worth a look when this is said.
pub(super) fn suggested(
    said: Said,
    incident: &Incident,
    catalogue: &dyn RunbookCatalogue,
) -> Result<Vec<String>, serde_json::Error> {
    let (event_type, data) = (event_type(said), serde_json::to_value(incident)?);
    let subject = Some(incident.incident.as_str());
    let fits = |suggesting: &SuggestWhen| suggesting.fits(&event_type, OWN_SOURCE, subject, &data);
    let fitting = catalogue.list().into_iter().filter(|runbook| runbook.suggest_when.as_ref().is_some_and(fits));
    Ok(fitting.take(MOST_SUGGESTED).map(|runbook| runbook.name.clone()).collect())
}

fn event_type(said: Said) -> String {
    format!("{INCIDENT}.{}", said.name())
}
