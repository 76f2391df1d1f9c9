//! What can go wrong as a caller sees it: one closed list, and one function that makes HTTP of it (RFC 9457).

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use trust_core::event_policy::EventRefusal;
use utoipa::ToSchema;

use crate::backbone::BackboneError;
use crate::commands::State;

/// Everything that a caller may be told instead of an answer.
#[derive(Debug)]
pub enum Problem {
    /// No transaction token that was made for this request.
    Unauthenticated,
    /// The keys for transaction tokens cannot be read, so nobody can be believed.
    KeysUnavailable,
    /// The event is not the caller's to send.
    EventRefused(EventRefusal),
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
    /// Whoever asked for a command may not decide about it.
    OwnRequest,
    /// The command is not for the caller to carry out.
    NotTheService,
    /// The lease that is named is not the last one given. Agents know this by its type, and stop.
    StaleFence,
    /// The decision is about something else than the command.
    DigestDiffers,
    /// In this state this cannot happen to a command. Agents know this by its type, and stop.
    WrongState(State),
    /// As many commands are open as are taken at once.
    TooManyOpenCommands,
    /// The service has as much to do as it takes at once.
    Busy,
    /// The answer did not come in time.
    TookTooLong,
    /// The store did not do it.
    Store(BackboneError),
    /// A mistake in the service; its cause is in the log.
    Internal,
}

/// One part of a request that is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The attribute, parameter or member, by its name on the wire.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

impl FieldError {
    /// Says that `field` is wrong because of `detail`.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into() }
    }
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
}

struct Outside {
    status: StatusCode,
    problem_type: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<FieldError>,
}

impl Outside {
    fn new(status: StatusCode, problem_type: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, problem_type, title, detail: detail.into(), errors: Vec::new() }
    }
}

const BLANK: &str = "about:blank";

impl Problem {
    fn into_outside(self) -> Outside {
        match self {
            Self::Unauthenticated => Outside::new(
                StatusCode::UNAUTHORIZED,
                BLANK,
                "Unauthorized",
                "This service is reached through the gate, with a token that the gate accepts.",
            ),
            Self::KeysUnavailable => Outside::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "urn:watchgate:problem:keys-unavailable",
                "Keys unavailable",
                "The service cannot read the keys by which it knows the gate.",
            ),
            Self::EventRefused(refusal) => Outside::new(
                StatusCode::FORBIDDEN,
                "urn:watchgate:problem:event-refused",
                "Event refused",
                format!("{refusal}."),
            ),
            Self::NotFound => Outside::new(StatusCode::NOT_FOUND, BLANK, "Not Found", "There is nothing here."),
            Self::MethodNotAllowed => Outside::new(
                StatusCode::METHOD_NOT_ALLOWED,
                BLANK,
                "Method Not Allowed",
                "This cannot be done here; /openapi.json says what can.",
            ),
            Self::Invalid(errors) => Outside {
                errors,
                ..Outside::new(
                    StatusCode::BAD_REQUEST,
                    "urn:watchgate:problem:invalid-request",
                    "Invalid request",
                    "The parts of the request that are listed in errors are not what they must be.",
                )
            },
            Self::BodyTooLarge => {
                Outside::new(StatusCode::PAYLOAD_TOO_LARGE, BLANK, "Content Too Large", "A body may have 1 MiB.")
            }
            Self::BodyIncomplete => Outside::new(
                StatusCode::REQUEST_TIMEOUT,
                BLANK,
                "Request Timeout",
                "The body did not come in time, or broke off.",
            ),
            Self::UnsupportedMediaType => Outside::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                BLANK,
                "Unsupported Media Type",
                "A body of this content type is not understood here.",
            ),
            Self::OwnRequest => Outside::new(
                StatusCode::FORBIDDEN,
                "urn:watchgate:problem:own-request",
                "Own request",
                "Whoever asked for this command may not decide about it; somebody else must.",
            ),
            Self::NotTheService => Outside::new(
                StatusCode::FORBIDDEN,
                "urn:watchgate:problem:not-the-service",
                "Not the service",
                "This is for another service than the caller.",
            ),
            Self::StaleFence => Outside::new(
                StatusCode::CONFLICT,
                "urn:watchgate:problem:stale-fence",
                "Stale fence",
                "This lease is not the last one given for the command; stop carrying it out.",
            ),
            Self::DigestDiffers => Outside::new(
                StatusCode::CONFLICT,
                "urn:watchgate:problem:digest-differs",
                "Digest differs",
                "The digest is not the command's; look at the command again.",
            ),
            Self::WrongState(state) => Outside::new(
                StatusCode::CONFLICT,
                "urn:watchgate:problem:wrong-state",
                "Wrong state",
                format!("The command is {}; this cannot happen to it any more, or not yet.", state.name()),
            ),
            Self::TooManyOpenCommands => Outside::new(
                StatusCode::TOO_MANY_REQUESTS,
                "urn:watchgate:problem:too-many-open-commands",
                "Too many open commands",
                "As many commands are open as are taken at once; some must end first.",
            ),
            Self::Busy => Outside::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "urn:watchgate:problem:busy",
                "Busy",
                "The service has as much to do as it takes at once; try again.",
            ),
            Self::TookTooLong => Outside::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "urn:watchgate:problem:took-too-long",
                "Took too long",
                "The answer did not come in time; whether it was done is not known. It is safe to send it again.",
            ),
            Self::Store(BackboneError::Conflict { .. }) => Outside::new(
                StatusCode::CONFLICT,
                "urn:watchgate:problem:changed-meanwhile",
                "Changed meanwhile",
                "Somebody changed it at the same time; read it again.",
            ),
            Self::Store(BackboneError::Unavailable(_)) => Outside::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "urn:watchgate:problem:store-unavailable",
                "Store unavailable",
                "The store did not take it, nothing was kept; try again.",
            ),
            Self::Internal => Outside::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                BLANK,
                "Internal Server Error",
                "The service made a mistake; its log says more.",
            ),
        }
    }

    /// A single wrong part.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, detail)])
    }
}

impl From<BackboneError> for Problem {
    fn from(error: BackboneError) -> Self {
        Self::Store(error)
    }
}

impl From<EventRefusal> for Problem {
    fn from(refusal: EventRefusal) -> Self {
        Self::EventRefused(refusal)
    }
}

impl From<Vec<FieldError>> for Problem {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::Invalid(errors)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Self::Store(error @ BackboneError::Unavailable(_)) = &self {
            tracing::error!(%error, "a request was refused because of the store");
        }
        let Outside { status, problem_type, title, detail, errors } = self.into_outside();
        let document = ProblemDocument { problem_type, title, status: status.as_u16(), detail, errors };
        // Strings and numbers alone: this has no way to fail.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"watchgate\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
