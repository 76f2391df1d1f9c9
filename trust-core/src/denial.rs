//! A denial is an answer, not a failure: a closed list of reasons, and what each of them tells the client.
//!
//! The client learns what RFC 6750, section 3.1 and RFC 9457 define and no more; the log gets the reason.

mod challenge;
mod code;

use crate::dpop::InvalidProof;
use crate::event_policy::EventRefusal;
use crate::request::MalformedRequest;
use crate::token::{InvalidToken, TokenProblem};
pub(crate) use challenge::Challenger;

/// How soon a keeper has fetched a key that it was asked for.
const KEY_FETCHED_WITHIN_SECONDS: u64 = 2;

/// Why a request does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denial {
    /// The gate has no valid configuration.
    NotConfigured,
    /// The request could be read in more than one way, or not at all.
    MalformedRequest(MalformedRequest),
    /// The `Host` is none of the public origins.
    ForeignHost,
    /// No rule matches.
    NoRule,
    /// The rule needs a token and there is none.
    NoToken,
    /// There is a token, and nobody vouches for it.
    InvalidToken(InvalidToken),
    /// The token is bound to a key, and the proof of holding it does not hold.
    InvalidProof(InvalidProof),
    /// Whether a proof was used before cannot be told at this moment.
    ReplaysUnknown,
    /// There is a token, and its source has brought too many bad ones to have it looked at.
    Throttled {
        /// When it may try again.
        retry_after_seconds: u64,
    },
    /// The issuer's keys, or the gate's own, are not known at this moment.
    KeysUnavailable {
        /// Whose keys.
        of: String,
    },
    /// The token names a key that is not known yet; its issuer is being asked.
    KeyAwaited {
        /// Whose key.
        of: String,
    },
    /// Nobody keeps the trust directory at this moment, so nobody can tell what is revoked.
    TrustUnknown,
    /// The claims are not those that the rule requires.
    Insufficient {
        /// The rule.
        rule: String,
        /// Scopes that it asks for, separated by spaces; empty when it asks for something else.
        scope: String,
    },
    /// The claims would do, had the caller logged in more strongly or more recently.
    StepUp(StepUp),
    /// The event is not the caller's to send.
    ForeignEvent(EventRefusal),
    /// Sent before the TLS handshake was complete, so perhaps not for the first time.
    TooEarly,
}

/// The login that a rule asks for, beyond the one that the token speaks of (RFC 9470).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepUp {
    /// The rule.
    pub rule: String,
    /// Authentication contexts of which one would do, separated by spaces; empty when the one at hand does.
    pub acr_values: String,
    /// Most seconds that may have passed since the login; absent when it is recent enough.
    pub max_age_seconds: Option<u64>,
}

impl From<MalformedRequest> for Denial {
    fn from(malformed: MalformedRequest) -> Self {
        Self::MalformedRequest(malformed)
    }
}

impl From<InvalidProof> for Denial {
    fn from(invalid: InvalidProof) -> Self {
        Self::InvalidProof(invalid)
    }
}

impl From<TokenProblem> for Denial {
    fn from(problem: TokenProblem) -> Self {
        match problem {
            TokenProblem::Request(malformed) => Self::MalformedRequest(malformed),
            TokenProblem::Token(invalid) => Self::InvalidToken(invalid),
        }
    }
}

/// What the client gets: a problem (RFC 9457), with a challenge where a token would help (RFC 6750, section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: String,
}

impl Denial {
    /// The answer to the client, of a gate that says nothing of itself.
    #[must_use]
    pub fn answer(&self) -> Answer {
        self.answer_by(&Challenger::default())
    }

    /// The answer to the client.
    pub(crate) fn answer_by(&self, challenger: &Challenger) -> Answer {
        let (status, title, detail) = match self {
            Self::NotConfigured => (503, "Service Unavailable", "The gate is not configured."),
            Self::MalformedRequest(_) => (400, "Bad Request", "The request is malformed."),
            Self::ForeignHost => (403, "Forbidden", "This host is not served here."),
            Self::NoRule => (403, "Forbidden", "No rule allows this request."),
            Self::NoToken => (401, "Unauthorized", "An access token is required."),
            Self::InvalidToken(_) => (401, "Unauthorized", "The access token is not valid."),
            Self::InvalidProof(_) => (401, "Unauthorized", "The proof of possession is not valid."),
            Self::ReplaysUnknown => (503, "Service Unavailable", "Proofs cannot be checked at this moment."),
            Self::Throttled { .. } => (429, "Too Many Requests", "Too many tokens that are not valid came from here."),
            Self::KeysUnavailable { .. } => (503, "Service Unavailable", "Keys are not available at this moment."),
            Self::KeyAwaited { .. } => (503, "Service Unavailable", "A key is being fetched; try again."),
            Self::TrustUnknown => (503, "Service Unavailable", "Revocations are not known at this moment."),
            Self::Insufficient { .. } => (403, "Forbidden", "The access token does not allow this request."),
            Self::StepUp(_) => (401, "Unauthorized", "Another login is required."),
            Self::ForeignEvent(_) => (403, "Forbidden", "This event may not be sent by this caller."),
            Self::TooEarly => (425, "Too Early", "The request must be sent again, after the TLS handshake."),
        };
        let body = serde_json::json!({"type": "about:blank", "title": title, "status": status, "detail": detail});
        let mut headers = vec![
            ("Content-Type", "application/problem+json".to_owned()),
            // A denial holds for this caller and this moment only (RFC 9111, section 5.2.2.5).
            ("Cache-Control", "no-store".to_owned()),
        ];
        headers.extend(self.retry_after_seconds().map(|seconds| ("Retry-After", seconds.to_string())));
        headers.extend(challenger.headers(self));
        Answer { status, headers, body: body.to_string() }
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::Throttled { retry_after_seconds } => Some(*retry_after_seconds),
            Self::KeyAwaited { .. } => Some(KEY_FETCHED_WITHIN_SECONDS),
            _ => None,
        }
    }

    /// Whether a rule had been found for the request when it was denied.
    pub(crate) fn is_by_rule(&self) -> bool {
        match self {
            Self::NotConfigured | Self::MalformedRequest(_) | Self::ForeignHost | Self::NoRule | Self::TooEarly => {
                false
            }
            Self::NoToken
            | Self::InvalidToken(_)
            | Self::InvalidProof(_)
            | Self::ReplaysUnknown
            | Self::Throttled { .. }
            | Self::KeysUnavailable { .. }
            | Self::KeyAwaited { .. }
            | Self::TrustUnknown
            | Self::Insufficient { .. }
            | Self::StepUp(_)
            | Self::ForeignEvent(_) => true,
        }
    }

    /// The reason, for the log.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::NotConfigured => "the configuration has mistakes".to_owned(),
            Self::MalformedRequest(malformed) => malformed.to_string(),
            Self::ForeignHost => "the host is none of publicOrigins".to_owned(),
            Self::NoRule => "no rule matches".to_owned(),
            Self::NoToken => "no token".to_owned(),
            Self::InvalidToken(invalid) => invalid.to_string(),
            Self::InvalidProof(invalid) => invalid.to_string(),
            Self::ReplaysUnknown => "nobody can tell whether the proof was used before; is /gate writable?".to_owned(),
            Self::Throttled { .. } => "too many bad tokens from this source".to_owned(),
            Self::KeysUnavailable { of } => format!("no keys of {of}"),
            Self::KeyAwaited { of } => format!("a key of {of} that is not known yet"),
            Self::TrustUnknown => "the keeper's head or its revocations are missing, unreadable or old".to_owned(),
            Self::Insufficient { rule, .. } => format!("the claims do not satisfy rule {rule}"),
            Self::StepUp(step_up) => format!("rule {} asks for a stronger or fresher login", step_up.rule),
            Self::ForeignEvent(refusal) => refusal.to_string(),
            Self::TooEarly => "sent as early data".to_owned(),
        }
    }
}
