//! Refusals of the calls that devices make: in the words of OAuth where it has some (RFC 6749, section 5.2; RFC 8628, section 3.5).

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use trust_core::dpop::InvalidProof;
use utoipa::ToSchema;

use crate::backbone::BackboneError;
use crate::problem::Problem;

/// Why a device gets no token.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// In OAuth's words.
    OAuth(OAuthError),
    Problem(Problem),
}

/// An error that clients of OAuth understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OAuthError {
    InvalidRequest,
    UnsupportedGrantType,
    InvalidScope,
    /// No such code or token, of another key, used, or ended.
    InvalidGrant,
    AuthorizationPending,
    SlowDown,
    AccessDenied,
    ExpiredToken,
    /// RFC 9449, section 5.
    InvalidProof(InvalidProof),
}

/// The body of such an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OAuthProblem {
    /// Its name.
    error: &'static str,
    /// For people.
    error_description: String,
}

impl OAuthError {
    fn document(self) -> OAuthProblem {
        let (error, description) = match self {
            Self::InvalidRequest => ("invalid_request", "A parameter is missing, or stands here more than once."),
            Self::UnsupportedGrantType => ("unsupported_grant_type", "Use a device code or a refresh token."),
            Self::InvalidScope => ("invalid_scope", "No session gets a scope that is asked for."),
            Self::InvalidGrant => ("invalid_grant", "It is unknown, of another key, used, or ended; begin anew."),
            Self::AuthorizationPending => ("authorization_pending", "Nobody has confirmed it; ask again."),
            Self::SlowDown => ("slow_down", "Wait longer between two questions: five seconds more."),
            Self::AccessDenied => ("access_denied", "It was refused; begin anew."),
            Self::ExpiredToken => ("expired_token", "It took too long; begin anew."),
            Self::InvalidProof(invalid) => {
                return OAuthProblem { error: "invalid_dpop_proof", error_description: format!("{invalid}.") };
            }
        };
        OAuthProblem { error, error_description: description.to_owned() }
    }
}

impl From<OAuthError> for Refusal {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(error)
    }
}

impl From<InvalidProof> for Refusal {
    fn from(invalid: InvalidProof) -> Self {
        Self::OAuth(OAuthError::InvalidProof(invalid))
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<BackboneError> for Refusal {
    fn from(error: BackboneError) -> Self {
        Self::Problem(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::OAuth(error) => {
                (StatusCode::BAD_REQUEST, [(CACHE_CONTROL, "no-store")], Json(error.document())).into_response()
            }
            Self::Problem(problem) => problem.into_response(),
        }
    }
}
