//! How OpenAI's clients are told that something is wrong: they choose the class of their error by the status, and show the rest.

use std::sync::Arc;

use axum::Json;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::ProblemDocument;

/// By which their clients are told not to try again at once.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// An error as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Told {
    error: ErrorObject,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ErrorObject {
    message: String,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<String>,
    code: Option<String>,
}

impl Told {
    /// An error that is about no member of the request.
    pub(super) fn new(kind: &'static str, code: Option<&str>, message: impl Into<String>) -> Self {
        Self { error: ErrorObject { message: message.into(), kind, param: None, code: code.map(str::to_owned) } }
    }

    /// The same, about this member.
    pub(super) fn about(mut self, param: impl Into<String>) -> Self {
        self.error.param = Some(param.into());
        self
    }
}

/// An error as a response.
pub(super) fn tell(status: StatusCode, told: &Told) -> Response {
    (status, Json(told)).into_response()
}

/// The outermost layer of these routes: every problem in their shape, whichever layer or handler it comes from. Its headers
/// stay.
pub(crate) async fn in_their_shape(response: Response) -> Response {
    let Some(document) = response.extensions().get::<Arc<ProblemDocument>>().cloned() else { return response };
    let (mut parts, _) = response.into_parts();
    parts.extensions.remove::<Arc<ProblemDocument>>();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove(CONTENT_TYPE);
    if document.name() == Some(OVER_BUDGET) {
        // They would try twice more within seconds, and it holds until midnight.
        parts.headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    let told = of_problem(parts.status, &document);
    let mut response = (parts.status, Json(told)).into_response();
    response.headers_mut().extend(parts.headers);
    response.extensions_mut().extend(parts.extensions);
    response
}

const OVER_BUDGET: &str = "over-budget";

/// A problem in their words.
pub(super) fn of_problem(status: StatusCode, document: &ProblemDocument) -> Told {
    let first = document.errors().first();
    let name = document.name().map(|name| name.replace('-', "_"));
    let (kind, code) = match status {
        StatusCode::UNAUTHORIZED => ("invalid_request_error", Some("invalid_api_key")),
        StatusCode::METHOD_NOT_ALLOWED => ("invalid_request_error", Some("method_not_supported")),
        StatusCode::TOO_MANY_REQUESTS if document.name() == Some(OVER_BUDGET) => {
            ("insufficient_quota", Some("insufficient_quota"))
        }
        StatusCode::TOO_MANY_REQUESTS => ("requests", Some("rate_limit_exceeded")),
        StatusCode::BAD_REQUEST => ("invalid_request_error", first.map(|error| code_of(&error.detail))),
        status if status.is_server_error() => ("server_error", name.as_deref()),
        _ => ("invalid_request_error", name.as_deref()),
    };
    match first {
        Some(error) => Told::new(kind, code, format!("{}: {}", error.field, error.detail)).about(error.field.clone()),
        None => Told::new(kind, code, document.detail()),
    }
}

/// A body is read by serde, which says in these words what is wrong with it.
fn code_of(detail: &str) -> &'static str {
    if detail.starts_with("missing field") {
        "missing_required_parameter"
    } else if detail.starts_with("invalid type") {
        "invalid_type"
    } else {
        "invalid_value"
    }
}
