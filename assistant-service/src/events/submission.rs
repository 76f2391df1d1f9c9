//! Who sends events, what of it they may send, and in which context: all that the gate says of one request. It is kept with
//! what could not be taken, so that a later try is held to the very same policy.

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use trust_core::event_policy::{EventPolicy, EventRefusal};
use trust_core::principal::Principal;

use super::attributes::Malformed;
use super::binding::Mode;
use super::cloud_event::{CORRELATION, CloudEvent};
use super::extension_types::{is_traceparent, is_tracestate};
use crate::gate::Caller;
use crate::problem::Problem;

/// What is known of whoever sent something.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Submission {
    pub(super) principal: Principal,
    pub(super) auth_type: String,
    /// The types that the gate's rule lets the sender use.
    event_types: Vec<String>,
    /// The identity of the event that the gate made of the request itself: it is nobody else's to use, and always right.
    tag: Option<Tag>,
    correlation_id: Option<String>,
    traceparent: Option<String>,
    tracestate: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) arrived_at: OffsetDateTime,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Tag {
    id: String,
    source: String,
}

/// The policy of a submission, made once for all of its events.
pub(super) struct Policy<'a> {
    submission: &'a Submission,
    policy: EventPolicy,
}

impl Submission {
    pub(super) fn of(caller: &Caller, mode: Mode, headers: &HeaderMap, now: OffsetDateTime) -> Result<Self, Problem> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let traceparent = header("traceparent").filter(|text| is_traceparent(text));
        let tracestate = header("tracestate").filter(|text| traceparent.is_some() && is_tracestate(text));
        let (id, source) = caller.gate_tag();
        Ok(Self {
            principal: caller.require_principal()?.clone(),
            auth_type: caller.auth_type().to_owned(),
            event_types: caller.event_types().to_vec(),
            tag: (mode == Mode::Binary).then(|| Tag { id: id.to_owned(), source: source.to_owned() }),
            correlation_id: header("ce-correlationid"),
            traceparent,
            tracestate,
            arrived_at: now,
        })
    }

    /// In whose name a letter stands that nobody sent: the owner's of the consumer that gave the event up.
    pub(super) fn of_consumer(owner: &Principal, now: OffsetDateTime) -> Self {
        Self {
            principal: owner.clone(),
            auth_type: "unknown".to_owned(),
            event_types: Vec::new(),
            tag: None,
            correlation_id: None,
            traceparent: None,
            tracestate: None,
            arrived_at: now,
        }
    }

    pub(super) fn policy(&self) -> Policy<'_> {
        Policy { submission: self, policy: EventPolicy::new(self.event_types.clone(), Some(&self.principal)) }
    }

    /// The event as it is kept: with whose it is, and with the context of its request where it names none itself.
    pub(super) fn stamp(&self, event: CloudEvent, auth_id: &str) -> CloudEvent {
        // Both of one trace or none: the state says nothing beside another parent.
        let is_traced = event.extensions.contains_key("traceparent");
        let (traceparent, tracestate) = if is_traced { (&None, &None) } else { (&self.traceparent, &self.tracestate) };
        event
            .attested(&self.auth_type, Some(auth_id))
            .with_default(CORRELATION, self.correlation_id.as_deref())
            .with_default("traceparent", traceparent.as_deref())
            .with_default("tracestate", tracestate.as_deref())
            .at(self.arrived_at)
    }
}

impl Policy<'_> {
    /// Whether an event is the sender's to send.
    pub(super) fn check(&self, event: &CloudEvent) -> Result<(), EventRefusal> {
        if self.is_tag(event.id(), event.source()) {
            return Ok(());
        }
        self.policy.check(event.event_type(), event.source())
    }

    /// The same for what could not be read whole, by as much as it says: nobody may leave something here in a foreign name.
    pub(super) fn check_malformed(&self, malformed: &Malformed) -> Result<(), EventRefusal> {
        let Malformed { id, source, event_type, .. } = malformed;
        if self.is_tag(id.as_deref().unwrap_or_default(), source.as_deref().unwrap_or_default()) {
            return Ok(());
        }
        event_type.as_deref().map_or(Ok(()), |event_type| self.policy.check_type(event_type))?;
        source.as_deref().map_or(Ok(()), |source| self.policy.check_source(source))
    }

    fn is_tag(&self, id: &str, source: &str) -> bool {
        self.submission.tag.as_ref().is_some_and(|tag| tag.id == id && tag.source == source)
    }
}

#[cfg(test)]
impl Submission {
    pub(super) fn for_tests(principal: Principal, types: &[&str], clock: &dyn crate::clock::Clock) -> Self {
        Self {
            principal,
            auth_type: "app_user".to_owned(),
            event_types: types.iter().map(|text| (*text).to_owned()).collect(),
            tag: None,
            correlation_id: Some("gate-1".to_owned()),
            traceparent: None,
            tracestate: None,
            arrived_at: clock.now(),
        }
    }
}
