//! Reads mediations from the backbone, and commits each change of one by compare-and-set, with an event.
//!
//! An event has the mediation's id and its state. It says neither whose mediation it is nor who made it happen: whoever reads events
//! is not to learn who has something to settle with whom. What a side does for itself alone is an event without an id: the other side
//! reads events too, and knows which mediation is its own.

use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::people::unreadable;
use super::record::{Record, Side};
use super::view::MediationView;
use crate::backbone::{Backbone, Batch, NewEvent, Put, Revision};
use crate::commands::unless_crossed;
use crate::events::{CloudEvent, Stamp};
use crate::gate::Caller;
use crate::problem::Problem;
use crate::state::AppState;

pub(super) const MEDIATIONS: &str = "mediations";

/// Two people and a clock change one record; ten changes in a row that cross are a mistake somewhere.
pub(super) const ATTEMPTS: usize = 10;

/// A record and the revision that a change of it must give.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) record: Record,
    pub(super) revision: Revision,
}

impl Kept {
    /// The mediation with this id, if it is there.
    pub(super) async fn read(backbone: &dyn Backbone, id: &str) -> Result<Option<Self>, Problem> {
        let Some(entry) = backbone.get(MEDIATIONS, id.to_owned()).await? else { return Ok(None) };
        let record = serde_json::from_slice(&entry.value).map_err(unreadable)?;
        Ok(Some(Self { record, revision: entry.revision }))
    }

    /// The same for somebody who is in it, and the side that they are on.
    pub(super) async fn of(backbone: &dyn Backbone, caller: &Caller, id: &str) -> Result<(Self, Side), Problem> {
        let kept = Self::read(backbone, id).await?.ok_or(Problem::NotFound)?;
        let side = kept.record.side_of(caller.require_principal()?)?;
        Ok((kept, side))
    }

    /// Commits what has become of the record, with what stands beside it and an event. Its time moves for whoever sees a change of it.
    pub(super) async fn changed_to(
        &self,
        backbone: &dyn Backbone,
        mut record: Record,
        now: OffsetDateTime,
        beside: Vec<Put>,
    ) -> Result<Record, Problem> {
        let view = |record: &Record, side: Side| MediationView::of(record, side, now);
        let moved = Side::BOTH.map(|side| (side, view(&self.record, side) != view(&record, side)));
        for (side, _) in moved.into_iter().filter(|(_, has_moved)| *has_moved) {
            record.party_mut(side).updated_at = now;
        }
        record.updated_at = now;
        let is_seen_by_both = moved.into_iter().all(|(_, has_moved)| has_moved);
        let event = if is_seen_by_both { told(&record, now) } else { told_of_something_private(now) };
        commit(backbone, &record, Some(self.revision), event?, beside).await?;
        Ok(record)
    }
}

/// Commits one that begins, and what stands beside it.
pub(super) async fn begun(backbone: &dyn Backbone, record: &Record, beside: Vec<Put>) -> Result<(), Problem> {
    commit(backbone, record, None, told(record, record.created_at)?, beside).await
}

/// Has `step` change the record, which says whether it did, and commits that; as often as somebody else was faster.
pub(super) async fn change(
    state: &AppState,
    caller: &Caller,
    id: &str,
    step: impl Fn(&mut Record, Side, OffsetDateTime) -> Result<bool, Problem>,
) -> Result<(Record, Side), Problem> {
    unless_crossed(ATTEMPTS, || async {
        let (kept, side) = Kept::of(&*state.backbone, caller, id).await?;
        let now = state.clock.now();
        let mut record = kept.record.clone();
        if step(&mut record, side, now)? {
            record = kept.changed_to(&*state.backbone, record, now, Vec::new()).await?;
        }
        Ok((record, side))
    })
    .await
}

async fn commit(
    backbone: &dyn Backbone,
    record: &Record,
    read: Option<Revision>,
    event: NewEvent,
    beside: Vec<Put>,
) -> Result<(), Problem> {
    let value = if record.is_empty() { None } else { Some(serde_json::to_vec(record).map_err(Problem::internal)?) };
    let expires_at = value.as_ref().and_then(|_| record.kept_until());
    let put = Put { bucket: MEDIATIONS, key: record.id.clone(), value, expected_revision: read, expires_at };
    let events = vec![event];
    backbone.commit(Batch { events, puts: beside.into_iter().chain([put]).collect() }).await?;
    Ok(())
}

fn told(record: &Record, now: OffsetDateTime) -> Result<NewEvent, Problem> {
    let (id, state) = (record.id.as_str(), record.state.name());
    event(state, Some(id), &json!({"id": id, "state": state}), now)
}

fn told_of_something_private(now: OffsetDateTime) -> Result<NewEvent, Problem> {
    event("private", None, &json!({}), now)
}

fn event(what: &str, id: Option<&str>, data: &Value, now: OffsetDateTime) -> Result<NewEvent, Problem> {
    let data = to_raw_value(data).map_err(Problem::internal)?;
    let event = CloudEvent::own(format!("dev.watchgate.mediation.{what}"), id.map(str::to_owned), data);
    let stamp = Stamp { caller: None, correlation_id: id, traceparent: None, arrived_at: now };
    NewEvent::try_from(event.stamped(&stamp)).map_err(Problem::internal)
}
