//! What can go wrong as a caller sees it: one closed list, and one function that makes HTTP of it (RFC 9457). What each
//! one says stands in `outside`.

mod outside;

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use trust_core::event_policy::EventRefusal;
use utoipa::ToSchema;

use crate::backbone::BackboneError;
use crate::commands::State;
use crate::events::{NotTaken, Reason};
use crate::runbooks::Right;
use outside::Outside;

/// Everything that a caller may be told instead of an answer.
#[derive(Debug)]
pub enum Problem {
    /// No transaction token that was made for this request.
    Unauthenticated,
    /// The keys for transaction tokens cannot be read, so nobody can be believed.
    KeysUnavailable,
    /// The event is not the caller's to send.
    EventRefused {
        /// Why.
        refusal: EventRefusal,
        /// The source that would be the caller's own.
        own_source: String,
    },
    /// An event of a batch is not the caller's to send, so nothing of the batch is kept.
    BatchRefused {
        /// Its place in the batch.
        index: usize,
        /// Why.
        refusal: EventRefusal,
        /// The source that would be the caller's own.
        own_source: String,
    },
    /// The event could not be taken, and is a dead letter.
    EventNotTaken {
        /// Why.
        reason: Reason,
        /// What is wrong with it.
        errors: Vec<FieldError>,
        /// The dead letter.
        dead_letter: String,
    },
    /// No event of a batch could be taken; all are dead letters.
    BatchNotTaken(Vec<NotTaken>),
    /// A corrected event has another type or source than the dead letter that it should stand for.
    ReplayRefused,
    /// There is no such thing.
    NotFound,
    /// There is such a thing, but this cannot be done with it.
    MethodNotAllowed,
    /// Parts of the request are not what they must be.
    Invalid(Vec<FieldError>),
    /// The body is larger than [`crate::layers::BODY_LIMIT_BYTES`].
    BodyTooLarge,
    /// The body did not come in time, or broke off.
    BodyIncomplete,
    /// The body is of a kind that is not understood here.
    UnsupportedMediaType,
    /// The rights of the runbooks do not let the caller do this.
    NotAllowed {
        /// The runbook.
        runbook: String,
        /// What the caller may not do with it.
        right: Right,
    },
    /// Whoever asked for a command may not decide about it.
    OwnRequest,
    /// The command's runbook lets only others decide.
    NotAnApprover,
    /// The caller has decided about the command before.
    DecidedAlready,
    /// An idempotency key comes with another call than the first time.
    IdempotencyKeyReused,
    /// The command is not for the caller to carry out.
    NotTheService,
    /// The lease that is named is not the last one given. Agents know this by its type, and stop.
    StaleFence,
    /// A piece of output does not follow what is known of it.
    OutputGap {
        /// How many bytes are known.
        expected: u64,
    },
    /// The decision is about something else than the command.
    DigestDiffers,
    /// The catalogue has not the runbook any more that a command was asked for by.
    RunbookDiffers,
    /// In this state this cannot happen to a command. Agents know this by its type, and stop.
    WrongState(State),
    /// As many commands are open as are taken at once.
    TooManyOpenCommands,
    /// As many commands of the caller are open as are taken of one.
    TooManyOwnCommands,
    /// As many consumers are there as are kept, in all or of the caller.
    TooManyConsumers,
    /// A consumer of this name is there, and cannot become what is asked for.
    ConsumerDiffers,
    /// As much is revoked as is kept.
    TooManyRevocations,
    /// A session is over, and what it has last been given could not be revoked.
    SessionTokenHolds,
    /// As many silences are there as are kept.
    TooManySilences,
    /// As many offers or sessions of the caller are there as one may have.
    TooManySessions,
    /// The caller, or all whom nobody knows yet, have tried this too often.
    TooOften {
        /// When it may be tried again.
        retry_after_seconds: u64,
    },
    /// A session, or a service, asks for what only a person may do.
    NotAPerson,
    /// The code was redeemed, or the session is over.
    SessionGone,
    /// The number is not the one that the device shows.
    WrongNumber {
        /// How many more may be tried.
        left: u8,
    },
    /// In this state this cannot happen to a session.
    WrongSessionState,
    /// One of two people is in as many mediations as one may be.
    TooManyMediations,
    /// In its state this cannot happen to a mediation; why, and what to do.
    MediationState(&'static str),
    /// The caller has used what one may use of the models in a day.
    OverBudget {
        /// When there is some again.
        retry_after: Duration,
    },
    /// As many questions of the caller are being answered as are taken of one at once.
    TooManyQuestions,
    /// As many pictures of the caller are being made as are made of one at once.
    TooManyPictures,
    /// The service ends, and this would have taken longer.
    Ending,
    /// The caller holds as many streams open as one may.
    TooManyStreams,
    /// As many requests of the caller are at work as are taken of one at once.
    TooManyAtOnce,
    /// The service has as much to do as it takes at once.
    Busy,
    /// The answer did not come in time.
    TookTooLong,
    /// The store takes no changes, or the documents are not read yet; the log says which.
    NotReady,
    /// This replica does not hear of the others, so it cannot know what is revoked.
    CutOff,
    /// The store did not do it.
    Store(BackboneError),
    /// A mistake in the service; its cause is for the log alone.
    Internal(anyhow::Error),
}

/// One part of a request that is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The attribute, parameter or member, by its name on the wire.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

/// As many wrong parts are told at once as somebody will mend at once; an answer is not to be larger than its request.
pub(crate) const MAX_FIELD_ERRORS: usize = 32;

const MAX_FIELD_CHARACTERS: usize = 128;
const MAX_DETAIL_CHARACTERS: usize = 1024;

impl FieldError {
    /// Says that `field` is wrong because of `detail`.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: cut(field.into(), MAX_FIELD_CHARACTERS), detail: cut(detail.into(), MAX_DETAIL_CHARACTERS) }
    }
}

/// What callers sent stands in both parts.
fn cut(mut text: String, characters: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
    }
    text
}

/// The body of every refusal, `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// `about:blank`, or `urn:watchgate:problem:` and a name.
    #[serde(rename = "type")]
    problem_type: &'static str,
    /// The same for every problem of this type.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What to do about it.
    detail: String,
    /// What is wrong with the request, part by part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(flatten)]
    members: Members,
}

/// What some problems say beside the members that all have.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Members {
    /// The place in a batch of the event that is refused, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    /// The dead letter that the event has become.
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter: Option<String>,
    /// The dead letters that the events of a batch have become.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dead_letters: Vec<NotTaken>,
}

impl Problem {
    /// A single wrong part.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, detail)])
    }

    /// A mistake in the service that an error has shown.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::Internal(cause.into())
    }

    /// A mistake in the service, in words for the log.
    pub fn mistake(cause: impl Into<String>) -> Self {
        Self::Internal(anyhow::Error::msg(cause.into()))
    }

    /// In how many seconds the same request may well be answered, and does no harm then.
    fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::OverBudget { retry_after } => Some(retry_after.as_secs().saturating_add(1)),
            Self::TooOften { retry_after_seconds } => Some(*retry_after_seconds),
            _ => self.helps_to_wait_a_moment().then_some(1),
        }
    }

    fn helps_to_wait_a_moment(&self) -> bool {
        matches!(
            self,
            Self::KeysUnavailable
                | Self::TooManyOpenCommands
                | Self::TooManyOwnCommands
                | Self::TooManyStreams
                | Self::TooManyQuestions
                | Self::TooManyPictures
                | Self::TooManyAtOnce
                | Self::Ending
                | Self::Busy
                | Self::NotReady
                | Self::CutOff
                | Self::Store(BackboneError::Unavailable(_))
        )
    }
}

impl Problem {
    /// As it is told; its cause goes to the log, once.
    pub(crate) fn into_document(self) -> (StatusCode, ProblemDocument) {
        match &self {
            Self::Store(error @ (BackboneError::Unavailable(_) | BackboneError::Full)) => {
                tracing::error!(%error, "a request was refused because of the store");
            }
            Self::Internal(cause) => {
                tracing::error!(cause = format!("{cause:#}"), "a request met a mistake in the service");
            }
            _ => {}
        }
        let Outside { status, problem_type, title, detail, errors, members } = self.into_outside();
        (status, ProblemDocument { problem_type, title, status: status.as_u16(), detail, errors, members })
    }
}

impl ProblemDocument {
    /// Its type's name, where it has one.
    pub(crate) fn name(&self) -> Option<&'static str> {
        self.problem_type.strip_prefix("urn:watchgate:problem:")
    }

    /// What to do about it.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// What is wrong with the request, part by part.
    pub(crate) fn errors(&self) -> &[FieldError] {
        &self.errors
    }
}

impl From<BackboneError> for Problem {
    fn from(error: BackboneError) -> Self {
        Self::Store(error)
    }
}

impl From<Vec<FieldError>> for Problem {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::Invalid(errors)
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        Self::Invalid(vec![error])
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let retry_after_seconds = self.retry_after_seconds();
        let (status, document) = self.into_document();
        // Strings and numbers alone: this has no way to fail.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response();
        response.extensions_mut().insert(Arc::new(document));
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"watchgate\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[cfg(test)]
mod tests;
