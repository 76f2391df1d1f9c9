//! Windows in which alarms make no incident, as somebody has asked for them. Each is an entry, and an event by which whoever follows the
//! log hears of it in the order of the log.

use diagnosis::Millis;
use diagnosis::silence::Silence;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use time::OffsetDateTime;

use super::interrupted::Interrupted;
use crate::backbone::{Backbone, BackboneError, Batch, NewEvent, Put, Revision};
use crate::clock::time_of;
use crate::events::{CloudEvent, Stamp};
use crate::gate::Caller;
use crate::problem::Problem;

/// The type of the event that says that something is silenced, and of the one that takes it back.
pub(super) const CREATED: &str = "dev.watchgate.telemetry.silence.created";
pub(super) const REMOVED: &str = "dev.watchgate.telemetry.silence.removed";

const BUCKET: &str = "incidents.silences";

/// The one entry that every new one changes, so that of two that come at once one looks again how many there are.
const NEWEST_BUCKET: &str = "incidents.silences.newest";
const NEWEST_KEY: &str = "id";

/// As many are kept at once.
pub(super) const MOST: usize = 100;

/// Whoever comes at the same time as others looks again so often.
const ATTEMPTS: usize = 16;

/// A window, and who wanted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Silenced {
    pub(super) id: String,
    pub(super) silence: Silence,
    pub(super) reason: String,
    /// The principal's URI.
    pub(super) created_by: String,
    pub(super) created_at: Millis,
}

/// All that are kept and not over, oldest first.
pub(super) async fn all(backbone: &dyn Backbone) -> Result<Vec<Silenced>, Interrupted> {
    let entries = backbone.list(BUCKET, None, u32::try_from(MOST).unwrap_or(u32::MAX)).await?;
    let silences = entries.iter().rev().map(|entry| serde_json::from_slice(&entry.value));
    Ok(silences.collect::<Result<_, _>>()?)
}

/// Keeps one more, if there are not too many.
pub(super) async fn add(backbone: &dyn Backbone, silenced: &Silenced, caller: &Caller) -> Result<(), Problem> {
    let limit = u32::try_from(MOST).unwrap_or(u32::MAX);
    let value = serde_json::to_vec(silenced).map_err(Problem::internal)?;
    let told = told(CREATED, silenced, caller, time_of(silenced.created_at))?;
    let put = put(silenced, Some(value), None);
    for _ in 0..ATTEMPTS {
        // Before they are counted: one that is added after that makes the commit a conflict.
        let newest = backbone.get(NEWEST_BUCKET, NEWEST_KEY.to_owned()).await?;
        if backbone.list(BUCKET, None, limit).await?.len() >= MOST {
            return Err(Problem::TooManySilences);
        }
        let newest = Put {
            bucket: NEWEST_BUCKET,
            key: NEWEST_KEY.to_owned(),
            value: Some(silenced.id.clone().into_bytes()),
            expected_revision: newest.map(|entry| entry.revision),
            expires_at: None,
        };
        match backbone.commit(Batch { events: vec![told.clone()], puts: vec![put.clone(), newest] }).await {
            Err(BackboneError::Conflict { bucket: NEWEST_BUCKET, .. }) => {}
            committed => return Ok(committed.map(drop)?),
        }
    }
    Err(Problem::Busy)
}

/// Takes one back.
pub(super) async fn remove(
    backbone: &dyn Backbone,
    id: &str,
    caller: &Caller,
    now: OffsetDateTime,
) -> Result<(), Problem> {
    let entry = backbone.get(BUCKET, id.to_owned()).await?.ok_or(Problem::NotFound)?;
    let silenced: Silenced = serde_json::from_slice(&entry.value).map_err(Problem::internal)?;
    let told = told(REMOVED, &silenced, caller, now)?;
    let put = put(&silenced, None, Some(entry.revision));
    backbone.commit(Batch { events: vec![told], puts: vec![put] }).await?;
    Ok(())
}

/// By how many things it says what is silenced.
pub(super) fn matchers(silence: &Silence) -> usize {
    let named = [&silence.device, &silence.build, &silence.scene, &silence.metric];
    named.into_iter().flatten().count().saturating_add(silence.traits.len())
}

fn put(silenced: &Silenced, value: Option<Vec<u8>>, expected_revision: Option<Revision>) -> Put {
    let expires_at = Some(time_of(silenced.silence.until));
    Put { bucket: BUCKET, key: silenced.id.clone(), value, expected_revision, expires_at }
}

fn told(event_type: &str, silenced: &Silenced, caller: &Caller, now: OffsetDateTime) -> Result<NewEvent, Problem> {
    let data = to_raw_value(silenced).map_err(Problem::internal)?;
    let event = CloudEvent::own(event_type.to_owned(), Some(silenced.id.clone()), data);
    let stamp =
        Stamp { caller: Some(caller), correlation_id: Some(caller.transaction()), traceparent: None, arrived_at: now };
    NewEvent::try_from(event.stamped(&stamp)).map_err(Problem::internal)
}
