//! What a client hears instead of an answer. Traefik hands it on as it is: status, headers and body.

use axum::Json;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::credential::{NoCredential, Scheme};
use super::introspection::NotGood;

/// Why a request is not passed on. The client learns what the RFCs define, and not which check failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no token to ask about.
    NoCredential(NoCredential),
    /// The provider does not vouch for the token, or not for us.
    NotGood(NotGood),
    /// The token is bound to a key, or is not, and is presented the other way.
    WrongScheme,
    /// The source has had its share of questions about tokens that are not known.
    OverBound { retry_after_seconds: u64 },
    /// As many questions are open as may be.
    Busy,
    /// The provider gave no answer that can be believed.
    NoAnswer,
    /// The exchange has no key to sign with.
    NoKey,
}

/// How soon it may help to come again.
const RETRY_AFTER_SECONDS: u64 = 1;

impl Refusal {
    /// A name for counters.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoCredential(_) => "no_credential",
            Self::NotGood(_) => "not_good",
            Self::WrongScheme => "wrong_scheme",
            Self::OverBound { .. } => "over_bound",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::NoKey => "no_key",
        }
    }

    fn outside(self) -> (StatusCode, &'static str, &'static str) {
        let invalid_token = (StatusCode::UNAUTHORIZED, "Unauthorized", "The access token is not valid here.");
        let unavailable = |detail| (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable", detail);
        match self {
            Self::NoCredential(NoCredential::Missing) => {
                (StatusCode::UNAUTHORIZED, "Unauthorized", "An access token is required.")
            }
            Self::NoCredential(NoCredential::Repeated) => {
                (StatusCode::BAD_REQUEST, "Bad Request", "A request has one Authorization header.")
            }
            Self::NoCredential(NoCredential::Malformed(_) | NoCredential::TooLong(_) | NoCredential::Jwt(_))
            | Self::NotGood(_)
            | Self::WrongScheme => invalid_token,
            Self::OverBound { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too Many Requests",
                "Too many tokens that are not known came from here.",
            ),
            Self::Busy => unavailable("Too many tokens are looked up at this moment."),
            Self::NoAnswer => unavailable("The token cannot be looked up at this moment."),
            Self::NoKey => unavailable("Keys are not available at this moment."),
        }
    }

    fn retry_after_seconds(self) -> Option<u64> {
        match self {
            Self::OverBound { retry_after_seconds } => Some(retry_after_seconds),
            Self::Busy | Self::NoAnswer | Self::NoKey => Some(RETRY_AFTER_SECONDS),
            Self::NoCredential(_) | Self::NotGood(_) | Self::WrongScheme => None,
        }
    }

    /// The answer to a client that has used `scheme`.
    pub(crate) fn into_response(self, scheme: Option<Scheme>) -> Response {
        let (status, title, detail) = self.outside();
        let document = json!({"type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail});
        let mut response = (status, Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        // A refusal holds for this token and this moment only (RFC 9111, section 5.2.2.5).
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(self.challenge(scheme)));
        }
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// No error code without credentials (RFC 6750, section 3.1); a key can be proved with what the gate takes (RFC 9449,
    /// section 7.1).
    fn challenge(self, scheme: Option<Scheme>) -> &'static str {
        match (scheme, self) {
            (None, _) => r#"Bearer realm="watchgate""#,
            (Some(Scheme::Bearer), _) => r#"Bearer realm="watchgate", error="invalid_token""#,
            (Some(Scheme::Dpop), _) => r#"DPoP realm="watchgate", error="invalid_token", algs="ES256 EdDSA RS256""#,
        }
    }
}

impl NoCredential {
    /// How the token that is none was presented.
    pub(crate) fn scheme(self) -> Option<Scheme> {
        match self {
            Self::Missing | Self::Repeated => None,
            Self::Malformed(scheme) | Self::TooLong(scheme) | Self::Jwt(scheme) => Some(scheme),
        }
    }
}
