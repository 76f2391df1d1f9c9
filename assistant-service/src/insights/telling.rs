//! Insights as events. Each has an id that follows from what it says: made twice of the same, it is one event.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::value::to_raw_value;
use time::OffsetDateTime;

use super::INSIGHT;
use super::finding::Finding;
use super::sighting::Evidence;
use super::window::{Tally, Window};
use crate::backbone::NewEvent;
use crate::clock::{millis, time_of};
use crate::events::{CloudEvent, Stamp};

/// What is said of an insight.
pub(super) enum Said<'a> {
    /// That it is there.
    Created(&'a Finding),
    /// That it counts more.
    Updated,
    /// That nothing has come for as long as its watch says.
    Ended,
}

#[derive(Serialize)]
struct Data<'a> {
    insight: &'a str,
    watch: &'a str,
    key: &'a BTreeMap<String, Option<String>>,
    state: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    first_seen: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_seen: OffsetDateTime,
    count: u64,
    evidence: &'a [Evidence],
    #[serde(skip_serializing_if = "Option::is_none")]
    suggested: Option<&'a BTreeSet<String>>,
    #[serde(flatten)]
    finding: Option<&'a Finding>,
}

/// The event that says it.
pub(super) fn event(
    watch: &str,
    window: &Window,
    tally: &Tally,
    said: &Said<'_>,
    now: OffsetDateTime,
) -> Result<NewEvent, serde_json::Error> {
    let (what, id, finding) = match said {
        Said::Created(finding) => ("created", format!("{}.created", tally.id), Some(*finding)),
        Said::Updated => ("updated", format!("{}.updated.{}", tally.id, tally.count), None),
        Said::Ended => ("ended", format!("{}.ended", tally.id), None),
    };
    let data = to_raw_value(&Data {
        insight: &tally.id,
        watch,
        key: &window.key,
        state: if matches!(said, Said::Ended) { "ended" } else { "open" },
        first_seen: time_of(tally.first_seen),
        last_seen: time_of(tally.last_seen),
        count: tally.count,
        evidence: &tally.evidence,
        suggested: finding.is_some().then_some(&tally.suggested).filter(|suggested| !suggested.is_empty()),
        finding,
    })?;
    let stamp = Stamp {
        caller: None,
        correlation_id: tally.correlation_id.as_deref(),
        traceparent: None,
        arrived_at: time_of(millis(now)),
    };
    CloudEvent::own(format!("{INSIGHT}.{what}"), Some(tally.id.clone()), data).named(id).stamped(&stamp).try_into()
}
