//! The events that tell what becomes of sessions: never a token, a code or a number, nor what a device says of itself.

use serde::Serialize;
use serde_json::value::to_raw_value;
use time::OffsetDateTime;

use super::record::Record;
use crate::backbone::NewEvent;
use crate::events::{CloudEvent, Stamp};
use crate::gate::Caller;
use crate::problem::Problem;

/// What has become of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Offered,
    Redeemed,
    Waiting,
    Joined,
    Mistyped,
    Confirmed,
    Began,
    Refreshed,
    Ended(Why),
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Why {
    /// Its person, or the device, wanted it.
    Revoked,
    /// Three wrong numbers.
    WrongNumbers,
    /// A refresh token that had been used came again: two have it.
    RefreshReused,
    /// The same of a device code.
    CodeReused,
}

#[derive(Serialize)]
struct Data<'a> {
    session: &'a str,
    /// The person's URI, where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Why>,
}

impl Told {
    fn event_type(self) -> &'static str {
        match self {
            Self::Offered => "dev.watchgate.session.offered",
            Self::Redeemed => "dev.watchgate.session.redeemed",
            Self::Waiting => "dev.watchgate.session.waiting",
            Self::Joined => "dev.watchgate.session.joined",
            Self::Mistyped => "dev.watchgate.session.mistyped",
            Self::Confirmed => "dev.watchgate.session.confirmed",
            Self::Began => "dev.watchgate.session.began",
            Self::Refreshed => "dev.watchgate.session.refreshed",
            Self::Ended(_) => "dev.watchgate.session.ended",
        }
    }

    pub(super) fn event(self, record: &Record, caller: &Caller, now: OffsetDateTime) -> Result<NewEvent, Problem> {
        let of = record.owner.as_ref().map(|owner| owner.person.uri());
        let why = if let Self::Ended(why) = self { Some(why) } else { None };
        let data = to_raw_value(&Data { session: &record.id, of, why }).map_err(Problem::internal)?;
        let event = CloudEvent::own(self.event_type().to_owned(), Some(record.id.clone()), data);
        let stamp =
            Stamp { caller: Some(caller), correlation_id: Some(&record.id), traceparent: None, arrived_at: now };
        NewEvent::try_from(event.stamped(&stamp)).map_err(Problem::internal)
    }
}
