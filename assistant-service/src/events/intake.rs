//! The one way in for every event, whatever its binding: read, held to its sender's policy, held to its type's schema,
//! stamped.

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use trust_core::event_policy::EventRefusal;
use utoipa::ToSchema;

use super::EventSchemas;
use super::attributes::Malformed;
use super::binding::{self, Mode};
use super::cloud_event::CloudEvent;
use super::submission::{Policy, Submission};
use crate::backbone::NewEvent;
use crate::incidents::samples;
use crate::problem::{FieldError, Problem};

/// Why an event that its sender may send is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// It is no event.
    Malformed,
    /// Its data is not what the schema of its type asks for.
    Schema,
    /// A consumer has handed it out for the last time.
    #[serde(rename = "gave-up")]
    GaveUp,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Malformed, Self::Schema, Self::GaveUp];

    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Schema => "schema",
            Self::GaveUp => "gave-up",
        }
    }
}

/// An event that is not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is not the sender's to send.
    NotYours(EventRefusal),
    /// It is, but it cannot be kept as an event.
    NotFit(Reason, Malformed),
}

/// What an intake needs beside the text, made once for all events of a request.
pub(super) struct Intake<'a> {
    submission: &'a Submission,
    policy: Policy<'a>,
    schemas: &'a EventSchemas,
    auth_id: String,
}

/// An event that is taken, and the names that its receipt says.
pub(super) struct Taken {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) event: NewEvent,
}

impl<'a> Intake<'a> {
    pub(super) fn new(submission: &'a Submission, schemas: &'a EventSchemas) -> Self {
        Self { submission, policy: submission.policy(), schemas, auth_id: submission.principal.uri() }
    }

    /// Reads an event and decides. Policy comes before everything that would be kept of it.
    pub(super) fn read(&self, mode: Mode, headers: &HeaderMap, body: &[u8]) -> Result<CloudEvent, Refusal> {
        let event = match binding::read(mode, headers, body) {
            Ok(event) => event,
            Err(malformed) => {
                self.policy.check_malformed(&malformed).map_err(Refusal::NotYours)?;
                return Err(Refusal::NotFit(Reason::Malformed, malformed));
            }
        };
        self.policy.check(&event).map_err(Refusal::NotYours)?;
        let arrived_at = self.submission.arrived_at;
        match self.schemas.check(&event).and_then(|()| samples::check(&event, arrived_at)) {
            Ok(()) => Ok(event),
            Err(errors) => Err(Refusal::NotFit(Reason::Schema, named(&event, errors))),
        }
    }

    /// Stamps an event as the submission's.
    pub(super) fn keep(&self, event: CloudEvent) -> Result<Taken, Problem> {
        let event = self.submission.stamp(event, &self.auth_id);
        let (id, source) = (event.id().to_owned(), event.source().to_owned());
        let event = NewEvent::try_from(event).map_err(Problem::internal)?;
        Ok(Taken { id, source, event })
    }

    /// The source that would be the sender's own.
    pub(super) fn own_source(&self) -> String {
        self.auth_id.clone()
    }
}

fn named(event: &CloudEvent, errors: Vec<FieldError>) -> Malformed {
    Malformed {
        errors,
        is_readable: true,
        id: Some(event.id().to_owned()),
        source: Some(event.source().to_owned()),
        event_type: Some(event.event_type().to_owned()),
    }
}
