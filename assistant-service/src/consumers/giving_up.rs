//! Events that are handed out no more although nobody has acknowledged them: each is said, in the same step.

use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::book::GaveUp;
use super::names;
use super::record::Record;
use crate::backbone::{NewEvent, Position};
use crate::events::{About, CloudEvent, GivenUp, Letter, OWN_SOURCE, Stamp};
use crate::gate::Caller;
use crate::problem::Problem;

const EVENT_TYPE: &str = "dev.watchgate.consumer.gave-up";

/// Why an event is handed out no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// It has been handed out as often as it may be.
    TooManyDeliveries,
    /// Its holder says that nobody ever can do it.
    Terminated,
}

impl Reason {
    /// Its name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::TooManyDeliveries => "too_many_deliveries",
            Self::Terminated => "terminated",
        }
    }
}

/// As much of an event as must be known here.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    id: String,
    source: String,
    #[serde(rename = "type")]
    event_type: String,
    pub(super) subject: Option<String>,
    expirytime: Option<String>,
}

#[derive(Serialize)]
struct Said<'a> {
    consumer: &'a str,
    owner: String,
    reason: Reason,
    deliveries: u32,
    position: Position,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
}

impl Head {
    pub(super) fn of(json: &str) -> Result<Self, Problem> {
        serde_json::from_str(json).map_err(Problem::internal)
    }

    /// Whether nobody needs the event any more, or it says that this very consumer gave up: handing that out to whoever could
    /// not take the first one would go on for ever.
    pub(super) fn is_skipped(&self, record: &Record, now: OffsetDateTime) -> bool {
        let expiry = self.expirytime.as_deref().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
        let is_own = self.event_type == EVENT_TYPE
            && self.source == OWN_SOURCE
            && self.subject.as_deref() == Some(names::key(&record.owner, &record.name).as_str());
        expiry.is_some_and(|expiry| expiry <= now) || is_own
    }
}

/// That the consumer has given an event up: an event that says so, and a letter by which it can be had again.
pub(super) fn add(
    gave_up: &mut GaveUp,
    record: &Record,
    (position, head, deliveries): (Position, &Head, u32),
    reason: Reason,
    caller: Option<&Caller>,
    arrived_at: OffsetDateTime,
) -> Result<(), Problem> {
    let said = Said {
        consumer: &record.name,
        owner: record.owner.uri(),
        reason,
        deliveries,
        position,
        id: &head.id,
        source: &head.source,
        event_type: &head.event_type,
    };
    let data = to_raw_value(&said).map_err(Problem::internal)?;
    let subject = names::key(&record.owner, &record.name);
    let event = CloudEvent::own(EVENT_TYPE.to_owned(), Some(subject), data);
    let stamp = Stamp { caller, correlation_id: None, traceparent: None, arrived_at };
    gave_up.batch.events.push(NewEvent::try_from(event.stamped(&stamp)).map_err(Problem::internal)?);
    let detail = format!("{} gave it up after {deliveries} deliveries: {}", record.name, reason.name());
    let about = About { id: &head.id, source: &head.source, event_type: &head.event_type, detail };
    let given_up = GivenUp { consumer: record.name.clone(), position, born: record.born };
    gave_up.letters.push(Letter::given_up(&record.owner, given_up, about, arrived_at));
    Ok(())
}
