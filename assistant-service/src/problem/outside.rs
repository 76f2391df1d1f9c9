//! What each problem says to the outside.

use axum::http::StatusCode;
use trust_core::event_policy::EventRefusal;

use super::{FieldError, MAX_FIELD_ERRORS, Members, Problem};
use crate::backbone::BackboneError;
use crate::events::Reason;

/// A problem as it is told.
pub(super) struct Outside {
    pub(super) status: StatusCode,
    pub(super) problem_type: &'static str,
    pub(super) title: &'static str,
    pub(super) detail: String,
    pub(super) errors: Vec<FieldError>,
    pub(super) members: Members,
}

impl Outside {
    fn new(status: StatusCode, problem_type: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, problem_type, title, detail: detail.into(), errors: Vec::new(), members: Members::default() }
    }
}

const BLANK: &str = "about:blank";

impl Problem {
    pub(super) fn into_outside(self) -> Outside {
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
            Self::EventRefused { refusal, own_source } => event_refused(refusal, &own_source),
            Self::BatchRefused { index, refusal, own_source } => Outside {
                members: Members { index: Some(index), ..Members::default() },
                ..event_refused(refusal, &own_source)
            },
            Self::EventNotTaken { reason, errors, dead_letter } => Outside {
                errors: errors.into_iter().take(MAX_FIELD_ERRORS).collect(),
                members: Members { dead_letter: Some(dead_letter), ..Members::default() },
                ..not_taken(reason)
            },
            Self::BatchNotTaken(dead_letters) => Outside {
                members: Members { dead_letters, ..Members::default() },
                ..Outside::new(
                    StatusCode::BAD_REQUEST,
                    "urn:watchgate:problem:batch-not-taken",
                    "Batch not taken",
                    "No event of the batch could be taken; dead_letters says why, and as what each is kept.",
                )
            },
            Self::ReplayRefused => Outside::new(
                StatusCode::FORBIDDEN,
                "urn:watchgate:problem:replay-refused",
                "Replay refused",
                "A corrected event must have the type and the source of the dead letter: it stays its sender's event.",
            ),
            Self::NotFound => Outside::new(StatusCode::NOT_FOUND, BLANK, "Not Found", "There is nothing here."),
            Self::MethodNotAllowed => Outside::new(
                StatusCode::METHOD_NOT_ALLOWED,
                BLANK,
                "Method Not Allowed",
                "This cannot be done here; /openapi.json says what can.",
            ),
            Self::Invalid(errors) => Outside {
                errors: errors.into_iter().take(MAX_FIELD_ERRORS).collect(),
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
            Self::NotAllowed { runbook, right } => Outside::new(
                StatusCode::FORBIDDEN,
                "urn:watchgate:problem:not-allowed",
                "Not allowed",
                format!(
                    "You have not the right {} to the runbook {runbook}; whoever keeps the rights of the runbooks can give it.",
                    right.name(),
                ),
            ),
            Self::OwnRequest => Outside::new(
                StatusCode::FORBIDDEN,
                "urn:watchgate:problem:own-request",
                "Own request",
                "Whoever asked for this command may not decide about it; somebody else must.",
            ),
            Self::NotAnApprover => Outside::new(
                StatusCode::FORBIDDEN,
                "urn:watchgate:problem:not-an-approver",
                "Not an approver",
                "The command's runbook names who may decide, and the caller is not among them.",
            ),
            Self::DecidedAlready => Outside::new(
                StatusCode::CONFLICT,
                "urn:watchgate:problem:decided-already",
                "Decided already",
                "The caller has decided about this command, and each decides once; others are still needed.",
            ),
            Self::IdempotencyKeyReused => Outside::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "urn:watchgate:problem:idempotency-key-reused",
                "Idempotency key reused",
                "The caller has used this Idempotency-Key for another call within a day; take a new key for a new call.",
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
            Self::OutputGap { expected } => Outside {
                errors: vec![FieldError::new("offset", format!("{expected} is expected"))],
                ..Outside::new(
                    StatusCode::CONFLICT,
                    "urn:watchgate:problem:output-gap",
                    "Output gap",
                    format!("The output is known up to byte {expected}; send what follows from there on."),
                )
            },
            Self::RunbookDiffers => Outside::new(
                StatusCode::CONFLICT,
                "urn:watchgate:problem:digest-differs",
                "Digest differs",
                "The command's runbook has changed since it was asked for, or is gone; reject the command, and ask for it again.",
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
            Self::TooManyConsumers => Outside::new(
                StatusCode::TOO_MANY_REQUESTS,
                "urn:watchgate:problem:too-many-consumers",
                "Too many consumers",
                "As many consumers are kept as there may be, of yours or in all; remove one first.",
            ),
            Self::ConsumerDiffers => Outside::new(
                StatusCode::CONFLICT,
                "urn:watchgate:problem:consumer-differs",
                "Consumer differs",
                "A consumer of this name has another filter, beginning or order, which stay; remove it first, or take \
                 another name.",
            ),
            Self::TooManySilences => Outside::new(
                StatusCode::TOO_MANY_REQUESTS,
                "urn:watchgate:problem:too-many-silences",
                "Too many silences",
                "As many silences are kept as are kept at once; take one back, or wait until one is over.",
            ),
            Self::TooManySessions => Outside::new(
                StatusCode::TOO_MANY_REQUESTS,
                "urn:watchgate:problem:too-many-sessions",
                "Too many sessions",
                "As many offers or sessions of yours are there as one may have; end one first.",
            ),
            Self::TooOften { .. } => Outside::new(
                StatusCode::TOO_MANY_REQUESTS,
                "urn:watchgate:problem:too-often",
                "Too often",
                "This has been tried too often; Retry-After says when it may be tried again.",
            ),
            Self::NotAPerson => Outside::new(
                StatusCode::FORBIDDEN,
                "urn:watchgate:problem:not-a-person",
                "Not a person",
                "Only a person may do this, with a token of the own identity provider: neither a session nor a service.",
            ),
            Self::SessionGone => Outside::new(
                StatusCode::GONE,
                "urn:watchgate:problem:session-gone",
                "Session gone",
                "The code has been used, or the session is over; show a new one.",
            ),
            Self::WrongNumber { left } => Outside::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "urn:watchgate:problem:wrong-number",
                "Wrong number",
                match left {
                    0 => "This is not the number that the device shows. It was the third wrong one, so the session is over.".to_owned(),
                    left => format!("This is not the number that the device shows; {left} more may be tried. Confirm nothing that you do not see on your own device."),
                },
            ),
            Self::WrongSessionState => Outside::new(
                StatusCode::CONFLICT,
                "urn:watchgate:problem:wrong-session-state",
                "Wrong session state",
                "This cannot happen to the session any more, or not yet; GET /v1/sessions says how far it has come.",
            ),
            Self::TooManyMediations => Outside::new(
                StatusCode::TOO_MANY_REQUESTS,
                "urn:watchgate:problem:too-many-mediations",
                "Too many mediations",
                "You or the other one are in as many mediations as one may be; settle or leave one first.",
            ),
            Self::MediationState(detail) => {
                Outside::new(StatusCode::CONFLICT, "urn:watchgate:problem:mediation-state", "Not in this state", detail)
            }
            Self::TooManyRevocations => Outside::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "urn:watchgate:problem:too-many-revocations",
                "Too many revocations",
                "As much is revoked as is kept, so this was not; revoke sessions or subjects in place of single tokens.",
            ),
            Self::SessionTokenHolds => Outside::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "urn:watchgate:problem:session-token-holds",
                "The session is over, its token is not",
                "It gets no further tokens, but the one that it has holds to its end: as much is revoked as is kept. Try again.",
            ),
            Self::OverBudget { .. } => Outside::new(
                StatusCode::TOO_MANY_REQUESTS,
                "urn:watchgate:problem:over-budget",
                "Over budget",
                "The caller has used what one may use of the models in a day; Retry-After says when there is some again.",
            ),
            Self::TooManyQuestions => Outside::new(
                StatusCode::TOO_MANY_REQUESTS,
                "urn:watchgate:problem:too-many-questions",
                "Too many questions",
                "As many questions of yours are being answered as are taken of one at once; wait for one of the answers.",
            ),
            Self::TooManyPictures => Outside::new(
                StatusCode::TOO_MANY_REQUESTS,
                "urn:watchgate:problem:too-many-pictures",
                "Too many pictures",
                "As many pictures of yours are being made as are made of one at once; wait for one of them.",
            ),
            Self::Ending => Outside::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "urn:watchgate:problem:ending",
                "Ending",
                "The service ends; ask again, another one may answer.",
            ),
            Self::TooManyStreams => Outside::new(
                StatusCode::TOO_MANY_REQUESTS,
                "urn:watchgate:problem:too-many-streams",
                "Too many streams",
                "The caller holds as many streams open as one may; close one first.",
            ),
            Self::TooManyAtOnce => Outside::new(
                StatusCode::TOO_MANY_REQUESTS,
                "urn:watchgate:problem:too-many-at-once",
                "Too many at once",
                "As many requests of yours are at work as are taken of one at once; wait for one of the answers.",
            ),
            Self::TooManyOwnCommands => Outside::new(
                StatusCode::TOO_MANY_REQUESTS,
                "urn:watchgate:problem:too-many-own-commands",
                "Too many own commands",
                "As many commands of yours are open as are taken of one; some must end or be canceled first.",
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
                "The answer did not come in time; whether it was done is not known. An event whose id \
                 the client chose is safe to send again: it is kept once. Anything else must be looked at first.",
            ),
            Self::NotReady => Outside::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "urn:watchgate:problem:not-ready",
                "Not ready",
                "The store takes no changes, or the documents are still being read; the service's log says which.",
            ),
            Self::CutOff => Outside::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "urn:watchgate:problem:cut-off",
                "Cut off",
                "This replica of the service does not hear of the others; try again, another one may answer.",
            ),
            Self::Store(BackboneError::Conflict { .. }) => Outside::new(
                StatusCode::CONFLICT,
                "urn:watchgate:problem:changed-meanwhile",
                "Changed meanwhile",
                "Somebody changed it at the same time; read it again.",
            ),
            Self::Store(BackboneError::TooLarge) => Outside::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                BLANK,
                "Content Too Large",
                "This is more than the store takes in one step; send less at once.",
            ),
            Self::Store(BackboneError::Full) => Outside::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "urn:watchgate:problem:store-full",
                "Store full",
                "There is no room for it; nothing of it was kept, and nothing that was kept is lost. Somebody must make room.",
            ),
            Self::Store(BackboneError::Unavailable(_)) => Outside::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "urn:watchgate:problem:store-unavailable",
                "Store unavailable",
                "The store did not take it, nothing was kept; try again.",
            ),
            Self::Internal(_) => Outside::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                BLANK,
                "Internal Server Error",
                "The service made a mistake; its log says more.",
            ),
        }
    }
}

fn event_refused(refusal: EventRefusal, own_source: &str) -> Outside {
    let detail = match refusal {
        EventRefusal::Type => format!("{refusal}."),
        EventRefusal::Source => format!("{refusal}: {own_source}, or that and /…"),
    };
    Outside::new(StatusCode::FORBIDDEN, "urn:watchgate:problem:event-refused", "Event refused", detail)
}

fn not_taken(reason: Reason) -> Outside {
    match reason {
        Reason::Malformed => Outside::new(
            StatusCode::BAD_REQUEST,
            "urn:watchgate:problem:invalid-request",
            "Invalid request",
            "The parts of the request that are listed in errors are not what they must be. It is kept as a dead letter.",
        ),
        Reason::Schema => Outside::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "urn:watchgate:problem:schema",
            "Data does not fit its schema",
            "Events of this type have a schema, and errors lists where the data differs. It is kept as a dead letter.",
        ),
        Reason::GaveUp => Outside::new(
            StatusCode::CONFLICT,
            "urn:watchgate:problem:gave-up",
            "Given up",
            "A consumer has handed this event out for the last time. It is kept as a dead letter.",
        ),
    }
}
