//! Carries the calls of `async-openai` by the service's own client of foreign addresses: a deadline and a bound for every
//! answer, addresses that were looked at, and a rule for what is asked again.
//!
//! Whatever may have been done already is not asked for again here: who asks looks first whether it was done.

use std::task::{Context, Poll};
use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Response, StatusCode};
use futures_util::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, RETRY_AFTER};
use serde_json::{Value, json};

use super::rules::MOST_BYTES;
use crate::outbound::{Outbound, OutboundAnswer, OutboundError};

/// A form has its own lines around the file.
const MOST_FORM_BYTES: usize = MOST_BYTES.saturating_add(64 * 1024);

/// What is read of a failure that has no form.
const SAID_CHARACTERS: usize = 300;

/// How often something is asked again, and how long is waited before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) tries: u32,
    pub(crate) first_wait: Duration,
    /// Whoever is told to wait longer gives up.
    pub(crate) longest_wait: Duration,
    /// How long a whole answer may take; that to an upload longer, by its size.
    pub(crate) answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries: 4,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(120),
            answer: Duration::from_secs(60),
        }
    }
}

impl Patience {
    /// How long is waited after so many tries.
    pub(crate) fn wait_after(&self, tries: u32) -> Duration {
        let doubled = self.first_wait.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1).min(16)));
        doubled.min(self.longest_wait)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Transport {
    pub(super) calls: Outbound,
    /// With more time.
    pub(super) uploads: Outbound,
    pub(super) patience: Patience,
}

impl tower::Service<HttpRequestFactory> for Transport {
    type Response = reqwest::Response;
    type Error = OpenAIError;
    type Future = BoxFuture<'static, Result<reqwest::Response, OpenAIError>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { this.send(&request).await })
    }
}

impl Transport {
    async fn send(&self, request: &HttpRequestFactory) -> Result<reqwest::Response, OpenAIError> {
        let mut tries = 0_u32;
        loop {
            let (method, answer) = self.send_once(request).await?;
            tries = tries.saturating_add(1);
            let wait = match &answer {
                Ok(answer) => self.wait_before_next(&method, answer, tries),
                Err(error) if was_not_sent(error) || method == Method::GET => Some(self.patience.wait_after(tries)),
                Err(_) => None,
            };
            match (wait.filter(|wait| tries < self.patience.tries && *wait <= self.patience.longest_wait), answer) {
                (Some(wait), _) => tokio::time::sleep(wait).await,
                (None, Ok(answer)) => return Ok(into_response(answer)),
                (None, Err(error)) => return Err(OpenAIError::Boxed(Box::new(error))),
            }
        }
    }

    async fn send_once(
        &self,
        request: &HttpRequestFactory,
    ) -> Result<(Method, Result<OutboundAnswer, OutboundError>), OpenAIError> {
        let mut request = request.build().await?;
        let (method, url) = (request.method().clone(), request.url().clone());
        let mut headers = std::mem::take(request.headers_mut());
        // An endpoint without a key is asked without one.
        if headers.get(AUTHORIZATION).is_some_and(|value| value.as_bytes().trim_ascii() == b"Bearer") {
            headers.remove(AUTHORIZATION);
        } else if let Some(value) = headers.get_mut(AUTHORIZATION) {
            value.set_sensitive(true);
        }
        let body = match request.body_mut().take() {
            Some(body) => to_bytes(Body::new(body), MOST_FORM_BYTES)
                .await
                .map_err(|error| OpenAIError::InvalidArgument(format!("the file cannot be sent: {error}")))?,
            None => axum::body::Bytes::new(),
        };
        let is_upload = method == Method::POST && url.path().ends_with("/files");
        let outbound = if is_upload { &self.uploads } else { &self.calls };
        let answer = outbound.call(method.clone(), &url, headers, body.to_vec()).await;
        Ok((method, answer))
    }

    /// A refusal for the moment means that nothing was done. Of a failure nobody knows what was.
    fn wait_before_next(&self, method: &Method, answer: &OutboundAnswer, tries: u32) -> Option<Duration> {
        let is_refused_now = answer.status == StatusCode::TOO_MANY_REQUESTS && !is_out_of_quota(&answer.body);
        let has_failed = answer.status.is_server_error() && method == Method::GET;
        let told = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let wait = told.map_or_else(|| self.patience.wait_after(tries), Duration::from_secs);
        (is_refused_now || has_failed).then_some(wait)
    }
}

fn was_not_sent(error: &OutboundError) -> bool {
    matches!(error, OutboundError::Unreachable(cause) if cause.is_connect())
}

/// Waiting does not fill an account.
fn is_out_of_quota(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).contains("insufficient_quota")
}

fn into_response(answer: OutboundAnswer) -> reqwest::Response {
    let body = if answer.status.is_success() { answer.body } else { in_openai_shape(&answer.body) };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response.into()
}

/// What a server, or a proxy before it, says of a failure, in the one shape that `async-openai` reads.
fn in_openai_shape(body: &[u8]) -> Vec<u8> {
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let error = value.get("error").unwrap_or(&value);
    let text = |name: &str| match error.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let message = text("message").or_else(|| error.as_str().map(str::to_owned));
    let message = message.unwrap_or_else(|| String::from_utf8_lossy(body).chars().take(SAID_CHARACTERS).collect());
    let shaped =
        json!({"error": {"message": message, "type": text("type"), "param": text("param"), "code": text("code")}});
    shaped.to_string().into_bytes()
}
