//! What the exchange answers, all on one listener that nobody but Traefik and whoever looks after it may reach.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

use super::credential::{Credential, source};
use super::refusal::Refusal;
use super::service::Exchange;
use crate::layers::{bound_requests, panicked};
use crate::problem::Problem;

/// Most of them only look something up; those that wait, wait for two seconds at the most.
const REQUESTS_AT_WORK: usize = 1024;

/// Every route in its layers: panics to problems outside, then the bound, so that neither the questions of Traefik nor those
/// about health can use up what is there for the others. No body is read.
pub(crate) fn routes(exchange: Arc<Exchange>) -> Router {
    let at_work = Arc::new(Semaphore::new(REQUESTS_AT_WORK));
    Router::new()
        // Traefik asks with GET whatever the client's method is, unless told otherwise.
        .route("/v1/exchange/{provider}", any(answer))
        .layer(from_fn_with_state(at_work, bound_requests))
        .route("/healthz", get(async || StatusCode::OK))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .fallback(async || Problem::NotFound)
        .layer(CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| panicked(&*panic).into_response()))
        .with_state(exchange)
}

async fn answer(State(exchange): State<Arc<Exchange>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(provider) = exchange.provider(&name) else { return Problem::NotFound.into_response() };
    let answered = |outcome| exchange.metrics.answered(&provider.1.name, outcome);
    let credential = match Credential::of(&headers) {
        Ok(credential) => credential,
        Err(reason) => {
            answered(Refusal::NoCredential(reason).name());
            return Refusal::NoCredential(reason).into_response(reason.scheme());
        }
    };
    match exchange.phantom(provider, &credential, source(&headers)).await {
        Ok(known) => {
            answered("exchanged");
            passed(credential.scheme_as_given, &known.phantom.token)
        }
        Err(refusal) => {
            answered(refusal.name());
            refusal.into_response(Some(credential.scheme))
        }
    }
}

/// The header that Traefik puts in the place of the client's.
fn passed(scheme: &str, phantom: &str) -> Response {
    let Ok(mut value) = HeaderValue::try_from(format!("{scheme} {phantom}")) else {
        return Problem::mistake("a phantom token that no header can hold").into_response();
    };
    value.set_sensitive(true);
    ([(AUTHORIZATION, value), (CACHE_CONTROL, HeaderValue::from_static("no-store"))], ()).into_response()
}

async fn readyz(State(exchange): State<Arc<Exchange>>) -> Response {
    if exchange.is_ready() { StatusCode::OK.into_response() } else { Refusal::NoKey.into_response(None) }
}

async fn metrics(State(exchange): State<Arc<Exchange>>) -> Result<Response, Problem> {
    let text = exchange.metrics.text().map_err(Problem::internal)?;
    Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response())
}
