//! Consumers over HTTP, each caller his own.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use trust_core::principal::Principal;
use utoipa::ToSchema;

use super::book::{Consumers, Kept};
use super::{Fetched, MAX_FETCH, Settings, Settled, Settlement};
use crate::backbone::Position;
use crate::gate::Caller;
use crate::json_body::JsonBody;
use crate::parameters::PathName;
use crate::problem::{FieldError, Problem, ProblemDocument};
use crate::state::AppState;

const MAX_WAIT_SECONDS: u64 = 30;

/// A consumer as it is told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsumerView {
    name: String,
    settings: Settings,
    /// Up to here every event has been handed out, is in flight, or was not meant.
    cursor: Position,
    /// The newest event of the log.
    newest_position: Position,
    /// Events beyond the cursor, counted up to 1000.
    lag: usize,
    /// Whether there are more of them.
    lag_is_more: bool,
    /// Events that somebody holds.
    held: usize,
    /// Events that wait to be handed out again, or for an earlier one of their subject.
    waiting: usize,
}

/// The caller's consumers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsumerNames {
    consumers: Vec<String>,
}

/// How much to hand out, and how patient.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FetchRequest {
    /// 1 to 256.
    #[schema(minimum = 1, maximum = 256)]
    max: usize,
    /// 0 to 30; 0 answers at once.
    #[schema(maximum = 30)]
    #[serde(default)]
    wait_seconds: u64,
}

/// Makes a consumer, or changes how long, how often and how many. The same content again changes nothing.
#[utoipa::path(put, path = "/v1/consumers/{name}", tag = "events", request_body = Settings,
    params(("name" = String, Path, description = "One of the caller's own names")),
    responses(
        (status = CREATED, description = "Made", body = ConsumerView),
        (status = OK, description = "There, with these settings", body = ConsumerView),
        (status = BAD_REQUEST, description = "A name or settings that cannot be", body = ProblemDocument),
        (status = CONFLICT, description = "It is there with another filter, beginning or order", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "There are as many consumers as are kept", body = ProblemDocument)))]
pub(crate) async fn put(
    State(state): State<AppState>,
    caller: Caller,
    PathName(name): PathName,
    JsonBody(settings): JsonBody<Settings>,
) -> Result<(StatusCode, Json<ConsumerView>), Problem> {
    let owner = caller.require_principal()?;
    let status = if state.consumers.put(owner, &name, settings).await? { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(state.consumers.view(owner, &name).await?)))
}

/// One of the caller's consumers.
#[utoipa::path(get, path = "/v1/consumers/{name}", tag = "events",
    params(("name" = String, Path, description = "One of the caller's own names")),
    responses(
        (status = OK, description = "How it stands", body = ConsumerView),
        (status = NOT_FOUND, description = "The caller has none of this name", body = ProblemDocument)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathName(name): PathName,
) -> Result<Json<ConsumerView>, Problem> {
    Ok(Json(state.consumers.view(caller.require_principal()?, &name).await?))
}

/// The names of the caller's consumers.
#[utoipa::path(get, path = "/v1/consumers", tag = "events",
    responses((status = OK, description = "Their names", body = ConsumerNames)))]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<ConsumerNames>, Problem> {
    Ok(Json(ConsumerNames { consumers: state.consumers.names_of(caller.require_principal()?).await? }))
}

/// Removes a consumer. Events that are in flight are handed out no more.
#[utoipa::path(delete, path = "/v1/consumers/{name}", tag = "events",
    params(("name" = String, Path, description = "One of the caller's own names")),
    responses(
        (status = NO_CONTENT, description = "Removed"),
        (status = NOT_FOUND, description = "The caller has none of this name", body = ProblemDocument)))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    PathName(name): PathName,
) -> Result<StatusCode, Problem> {
    state.consumers.remove(caller.require_principal()?, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hands out the next events, or waits for one. Each is the caller's until it is settled, or until nothing has been heard of it
/// for as long as a holder may be silent; then it is handed out again, under a new fence.
#[utoipa::path(post, path = "/v1/consumers/{name}/events:fetch", tag = "events", request_body = FetchRequest,
    params(("name" = String, Path, description = "One of the caller's own names")),
    responses(
        (status = OK, description = "Events, or none in time", body = Fetched),
        (status = NOT_FOUND, description = "The caller has none of this name", body = ProblemDocument)))]
pub(crate) async fn fetch(
    State(state): State<AppState>,
    caller: Caller,
    PathName(name): PathName,
    JsonBody(FetchRequest { max, wait_seconds }): JsonBody<FetchRequest>,
) -> Result<Json<Fetched>, Problem> {
    let mut errors = Vec::new();
    if !(1..=MAX_FETCH).contains(&max) {
        errors.push(FieldError::new("max", format!("must be a number from 1 to {MAX_FETCH}")));
    }
    if wait_seconds > MAX_WAIT_SECONDS {
        errors.push(FieldError::new("wait_seconds", format!("must be a number from 0 to {MAX_WAIT_SECONDS}")));
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    // Nobody gets an event after the end of the token that asked for it.
    let wait = Duration::from_secs(wait_seconds).min(caller.time_left(state.clock.now()));
    tokio::select! {
        fetched = state.consumers.fetch(caller.require_principal()?, &name, max, wait) => Ok(Json(fetched?)),
        () = state.ended() => Ok(Json(Fetched::default())),
    }
}

/// Says what became of events that were handed out. What is stale is named and changes nothing; the rest is taken, as one change.
#[utoipa::path(post, path = "/v1/consumers/{name}/events:settle", tag = "events", request_body = Settlement,
    params(("name" = String, Path, description = "One of the caller's own names")),
    responses(
        (status = OK, description = "What was taken, and what is stale", body = Settled),
        (status = NOT_FOUND, description = "The caller has none of this name", body = ProblemDocument)))]
pub(crate) async fn settle(
    State(state): State<AppState>,
    caller: Caller,
    PathName(name): PathName,
    JsonBody(settlement): JsonBody<Settlement>,
) -> Result<Json<Settled>, Problem> {
    Ok(Json(state.consumers.settle(caller.require_principal()?, &name, &settlement, Some(&caller)).await?))
}

impl Consumers {
    async fn view(&self, owner: &Principal, name: &str) -> Result<ConsumerView, Problem> {
        let Kept { record, .. } = self.find(owner, name).await?;
        let (lag, lag_is_more) = self.lag(&record).await?;
        let (held, waiting) = record.counts();
        Ok(ConsumerView {
            name: record.name,
            settings: record.settings,
            cursor: record.cursor,
            newest_position: *self.backbone.newest_position().borrow(),
            lag,
            lag_is_more,
            held,
            waiting,
        })
    }
}
