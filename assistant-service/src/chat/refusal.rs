//! Why a client of OpenAI's gets no answer.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};

use super::shape::{Told, of_problem, tell};
use crate::model::ModelError;
use crate::problem::Problem;

/// Everything that may be said in place of an answer, or at the end of one that is not whole.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// There is no model of this name.
    UnknownModel(String),
    /// A member of the request is not what it must be.
    Invalid(Invalid),
    /// The model does not do it.
    Model(ModelError),
    /// What every route may say.
    Problem(Problem),
}

/// What is wrong with which member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invalid {
    /// By its path.
    pub(super) param: String,
    /// In OpenAI's words.
    pub(super) code: &'static str,
    /// In ours.
    pub(super) message: String,
}

impl Invalid {
    /// Nobody does this here.
    pub(super) fn unsupported_parameter(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: param.into(), code: "unsupported_parameter", message: message.into() }
    }

    /// This value is understood, and not done here.
    pub(super) fn unsupported_value(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: param.into(), code: "unsupported_value", message: message.into() }
    }

    /// This is no value for it.
    pub(super) fn invalid_value(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: param.into(), code: "invalid_value", message: message.into() }
    }

    /// It must be there.
    pub(super) fn missing(param: impl Into<String>) -> Self {
        let param = param.into();
        Self { message: format!("Missing required parameter: '{param}'."), param, code: "missing_required_parameter" }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<ModelError> for Refusal {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::OverBudget { retry_after } => Self::Problem(Problem::OverBudget { retry_after }),
            other => Self::Model(other),
        }
    }
}

impl Refusal {
    /// As it is told. What the model itself said of its failure goes to the log alone.
    pub(super) fn into_told(self) -> (StatusCode, Told) {
        let invalid_request = "invalid_request_error";
        match self {
            Self::UnknownModel(name) => {
                let message = format!("The model `{name}` does not exist or you do not have access to it.");
                (StatusCode::NOT_FOUND, Told::new(invalid_request, Some("model_not_found"), message).about("model"))
            }
            Self::Invalid(Invalid { param, code, message }) => {
                (StatusCode::BAD_REQUEST, Told::new(invalid_request, Some(code), message).about(param))
            }
            Self::Model(error) => of_model(&error),
            Self::Problem(problem) => {
                let (status, document) = problem.into_document();
                (status, of_problem(status, &document))
            }
        }
    }
}

fn of_model(error: &ModelError) -> (StatusCode, Told) {
    tracing::warn!(%error, "a model that a client talks to itself has failed");
    let (status, kind, code, message) = match error {
        ModelError::OverBudget { .. } => (
            StatusCode::TOO_MANY_REQUESTS,
            "insufficient_quota",
            "insufficient_quota",
            "You have used what you may use of the models in a day.",
        ),
        ModelError::NotConfigured | ModelError::Unavailable(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "server_error", "model_unavailable", "The model does not answer.")
        }
        ModelError::TimedOut => {
            (StatusCode::GATEWAY_TIMEOUT, "server_error", "model_timed_out", "The model took too long.")
        }
        ModelError::CutOff => {
            (StatusCode::BAD_GATEWAY, "server_error", "model_cut_off", "The model's answer broke off; it is not whole.")
        }
        ModelError::Refused(_) => (
            StatusCode::BAD_REQUEST,
            "invalid_request_error",
            "model_refused",
            "The model does not take this conversation.",
        ),
        ModelError::Malformed(_) => {
            (StatusCode::BAD_GATEWAY, "server_error", "model_malformed", "What the model said is not understood.")
        }
        ModelError::TooLarge => {
            (StatusCode::BAD_GATEWAY, "server_error", "model_too_large", "The model's answer is larger than is read.")
        }
    };
    (status, Told::new(kind, Some(code), message))
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            // The layer around these routes gives it their shape, as it does with what the other layers refuse.
            Self::Problem(problem) => problem.into_response(),
            other => {
                let retry_after = other.retry_after();
                let (status, told) = other.into_told();
                let mut response = tell(status, &told);
                if let Some(wait) = retry_after {
                    response.headers_mut().insert(RETRY_AFTER, wait.as_secs().into());
                }
                response
            }
        }
    }
}

impl Refusal {
    /// When the same request may well be answered.
    fn retry_after(&self) -> Option<Duration> {
        const REST: Duration = Duration::from_secs(5);
        matches!(self, Self::Model(ModelError::Unavailable(_))).then_some(REST)
    }
}
