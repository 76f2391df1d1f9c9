//! Every layer, outermost first, with the reason for its place:
//!
//! 1. a span, so that everything below logs into it; without headers and query, which hold secrets
//! 2. the trace, so that whatever is done for a request is done in its trace
//! 3. the counter, so that what the layers below refuse is counted as well
//! 4. panics to problems, inside the counter: a panic is counted as a 500; and a moment, or the longer the more there are, before whoever
//!    is refused for want of room is told so, outside of what there is too little of
//! 5. the bound on requests at work, before anything costs something; what anybody may ask for has seats of its own
//! 6. the gate: nobody gets further whom it has not let through; who waits, waits until his token is revoked
//! 7. the caller's own share of the seats, as soon as it is known whose the request is
//! 8. the time that an answer may take
//! 9. the body, read whole within its bounds of size and time. The gate's public rules let anybody send one: pages read none, and
//!    of devices that nobody knows a short one is read for a short time

mod bodies;
mod held;
mod refusals;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use bodies::{KNOWN, UNKNOWN, read_body};
use held::holding;
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::TraceContextExt as _;
use refusals::Refusals;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::classify::ServerErrorsFailureClass;
use tower_http::trace::TraceLayer;

use crate::gate::{Caller, Requester};
use crate::metrics::{RequestLabels, Shed};
use crate::problem::{Problem, ProblemDocument};
use crate::seats::{NoSeat, Seats};
use crate::serve::GRACE;
use crate::state::AppState;
use crate::telemetry::trace_parent::{TRACEPARENT, parent_of};
use crate::telemetry::traces::answered;
use crate::{chat, gate, trust};

pub use bodies::BODY_LIMIT_BYTES;
pub(crate) use bodies::room_for_bodies;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const REQUESTS_AT_WORK: usize = 512;

/// Of those, of the waiting seats and of the room for bodies the most that one caller has: two further ones can do the same, and others
/// still find a seat.
const SHARE_OF_SEATS: usize = 4;

/// One keeper for each host, with an answer to wait for and something to say.
const KEEPERS_AT_WORK: usize = 64;

/// Of what the service gives those who are at work when it ends: the rest is for telling them that it does.
const TO_TELL: Duration = Duration::from_secs(1);

/// Layers 5 and 8 for routes that are not behind the gate and take no body.
pub(crate) fn open(routes: Router<AppState>, state: &AppState) -> Router<AppState> {
    let at_work = Arc::new(Semaphore::new(REQUESTS_AT_WORK));
    routes
        .layer(from_fn_with_state(state.clone(), bound_time))
        .layer(from_fn_with_state((state.clone(), at_work), bound_service))
}

/// Layers 5 to 9 for routes that answer as soon as they can.
pub(crate) fn answering(routes: Router<AppState>, state: &AppState) -> Router<AppState> {
    soon(routes.layer(from_fn_with_state((state.clone(), KNOWN), read_body)), state)
}

/// Layers 5 to 9 for devices that nobody knows yet: the gate lets anybody come so far, so they hold seats of one another alone.
pub(crate) fn introducing(routes: Router<AppState>, state: &AppState) -> Router<AppState> {
    soon(routes.layer(from_fn_with_state((state.clone(), UNKNOWN), read_body)), state)
}

/// Layers 5 to 8 for pages, which are for anybody and take no body: whoever sends one that does not end holds no seat for it.
pub(crate) fn looking(routes: Router<AppState>, state: &AppState) -> Router<AppState> {
    soon(routes, state)
}

/// Layers 5 to 8, with seats of their own for these routes.
fn soon(routes: Router<AppState>, state: &AppState) -> Router<AppState> {
    let at_work = Arc::new(Semaphore::new(REQUESTS_AT_WORK));
    let routes = routes.layer(from_fn_with_state(state.clone(), bound_time));
    admitting(routes, state, &at_work, REQUESTS_AT_WORK)
}

/// Layers 5 to 7 and 9 for routes that wait for something to happen: each takes a waiting seat and bounds its own time.
pub(crate) fn waiting(routes: Router<AppState>, state: &AppState) -> Router<AppState> {
    let seats = state.waiting_seats.available_permits();
    let routes = routes
        .layer(from_fn_with_state((state.clone(), KNOWN), read_body))
        .layer(from_fn_with_state(state.clone(), gate::until_revoked));
    admitting(routes, state, &state.waiting_seats, seats)
}

/// Layers 5 to 7 and 9 for routes that answer in their own time, since a model may take longer than others: each takes a seat
/// and bounds its own time.
pub(crate) fn conversing(routes: Router<AppState>, state: &AppState) -> Router<AppState> {
    let at_work = Arc::new(Semaphore::new(REQUESTS_AT_WORK));
    let routes = routes.layer(from_fn_with_state((state.clone(), KNOWN), read_body));
    admitting(routes, state, &at_work, REQUESTS_AT_WORK)
}

/// Layers 5 to 7: so many seats, and of these a share for each caller.
fn admitting(routes: Router<AppState>, state: &AppState, at_work: &Arc<Semaphore>, seats: usize) -> Router<AppState> {
    let shares = Seats::new(seats, seats / SHARE_OF_SEATS);
    routes
        .layer(from_fn_with_state((state.clone(), shares), bound_share))
        .layer(from_fn_with_state(state.clone(), gate::authenticate))
        .layer(from_fn_with_state((state.clone(), Arc::clone(at_work)), bound_service))
}

/// The same for clients of OpenAI's, around all of it: what is refused, and a panic, is told as they understand it.
pub(crate) fn chatting(routes: Router<AppState>, state: &AppState) -> Router<AppState> {
    conversing(routes, state)
        .layer(CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| panicked(&*panic).into_response()))
        .layer(map_response(chat::in_their_shape))
}

/// Layers 5 to 9 for keepers, who wait less than an answer may take. Each host has one, so there are no shares.
pub(crate) fn for_keepers(routes: Router<AppState>, state: &AppState) -> Router<AppState> {
    let at_work = Arc::new(Semaphore::new(KEEPERS_AT_WORK));
    routes
        .layer(from_fn_with_state((state.clone(), KNOWN), read_body))
        .layer(from_fn_with_state(state.clone(), bound_time))
        .layer(from_fn_with_state(state.clone(), trust::authenticate))
        .layer(from_fn_with_state((state.clone(), at_work), bound_service))
}

/// Layers 1 to 4, around everything.
pub(crate) fn around_all(routes: Router<AppState>, state: &AppState) -> Router<AppState> {
    routes
        .layer(from_fn_with_state(Arc::new(Refusals::new()), refuse_later))
        .layer(CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| panicked(&*panic).into_response()))
        .layer(from_fn_with_state(state.clone(), count))
        .layer(from_fn_with_state(state.clone(), trace))
        .layer(TraceLayer::new_for_http().on_failure(failed).make_span_with(|request: &Request| {
            tracing::info_span!("request", method = %request.method(), path = request.uri().path(),
                transaction = tracing::field::Empty, trace_id = tracing::field::Empty)
        }))
}

/// A line for each answer that is an error. What is refused for a time is counted, and whoever knows the cause has said it: a line for each would
/// cost more than the refusal, and fill the log when there is most to do.
fn failed(failure: ServerErrorsFailureClass, latency: Duration, _: &tracing::Span) {
    match failure {
        ServerErrorsFailureClass::StatusCode(StatusCode::SERVICE_UNAVAILABLE) => {}
        failure => tracing::error!(classification = %failure, latency_ms = latency.as_millis(), "response failed"),
    }
}

/// What a panic says is for the log alone.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Problem {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Problem::mistake(format!("a panic: {}", text.unwrap_or("without words")))
}

/// Does the request's work in the trace that its `traceparent` names: with a span of its own where somebody collects them.
async fn trace(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let header = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok());
    let parent =
        header.and_then(parent_of).map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent));
    let context = match &state.traces {
        Some(traces) => {
            let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
            traces.request(&parent, method_label(request.method()), route)
        }
        None => parent,
    };
    let named = context.span().span_context().clone();
    if named.is_valid() {
        tracing::Span::current().record("trace_id", tracing::field::display(named.trace_id()));
    }
    let response = next.run(request).with_context(context.clone()).await;
    if state.traces.is_some() {
        answered(&context, response.status());
    }
    response
}

async fn count(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let labels = RequestLabels { method, route, status: response.status().as_u16() };
    state.metrics.requests.get_or_create(&labels).inc();
    if is_of_a_full_store(&response) {
        state.metrics.store_full.inc();
    }
    response
}

/// Told in the words of OpenAI's clients it has no document any more, and nothing else is 507 there.
fn is_of_a_full_store(response: &Response) -> bool {
    let document = response.extensions().get::<Arc<ProblemDocument>>();
    response.status() == StatusCode::INSUFFICIENT_STORAGE
        && document.is_none_or(|document| document.name() == Some("store-full"))
}

/// A client chooses the method: what it makes up must not become a label.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Refuses what would be one request more at work than there are permits.
pub(crate) async fn bound_requests(State(at_work): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match at_work.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => Problem::Busy.into_response(),
    }
}

/// The same for the service, which counts what it refuses.
async fn bound_service(
    State((state, at_work)): State<(AppState, Arc<Semaphore>)>,
    request: Request,
    next: Next,
) -> Response {
    match at_work.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => shed(&state, Shed::Seats, Problem::Busy),
    }
}

/// Refuses what would be one request more of this caller's than are taken of one.
async fn bound_share(
    State((state, shares)): State<(AppState, Seats<Requester>)>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Response {
    // Whoever has no name at all has the seats of this group, and no share of them.
    let Some(requester) = caller.requester() else { return next.run(request).await };
    match shares.take(&requester) {
        Ok(seat) => holding(seat, next.run(request).await),
        Err(NoSeat::OfOwn) => shed(&state, Shed::Share, Problem::TooManyAtOnce),
        Err(NoSeat::AtAll) => shed(&state, Shed::Seats, Problem::Busy),
    }
}

fn shed(state: &AppState, why: Shed, problem: Problem) -> Response {
    state.metrics.shed(why);
    let mut response = problem.into_response();
    response.extensions_mut().insert(why);
    response
}

/// Keeps what was refused for want of room until it is its turn: that costs a timer.
async fn refuse_later(State(refusals): State<Arc<Refusals>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if response.extensions().get::<Shed>().is_some() {
        refusals.turn().await;
    }
    response
}

/// An answer has its time, and less where the service ends: whoever is cut off would not know that it did.
async fn bound_time(State(state): State<AppState>, request: Request, next: Next) -> Response {
    tokio::select! {
        // First what knows more: whether there was a body at all.
        biased;
        response = next.run(request) => response,
        () = tokio::time::sleep(ANSWER_TIMEOUT) => Problem::TookTooLong.into_response(),
        () = nearly_over(&state) => Problem::TookTooLong.into_response(),
    }
}

/// Returns when the service ends so soon that whoever is at work must be told now.
async fn nearly_over(state: &AppState) {
    state.ended().await;
    tokio::time::sleep(GRACE.saturating_sub(TO_TELL)).await;
}

#[cfg(test)]
mod tests;
