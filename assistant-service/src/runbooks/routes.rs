//! `GET /v1/runbooks` and `GET /v1/runbooks/{name}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Runbook;
use crate::gate::Caller;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// The catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Runbooks {
    /// Sorted by name.
    #[schema(value_type = Vec<Runbook>)]
    runbooks: Vec<Arc<Runbook>>,
}

/// All runbooks.
#[utoipa::path(get, path = "/v1/runbooks", tag = "commands",
    responses((status = OK, description = "All runbooks, sorted by name", body = Runbooks)))]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Runbooks>, Problem> {
    caller.require_principal()?;
    Ok(Json(Runbooks { runbooks: state.runbooks.list() }))
}

/// One runbook.
#[utoipa::path(get, path = "/v1/runbooks/{name}", tag = "commands", params(("name" = String, Path)),
    responses(
        (status = OK, description = "The runbook", body = Runbook),
        (status = NOT_FOUND, description = "No runbook has this name", body = ProblemDocument)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    caller: Caller,
    PathName(name): PathName,
) -> Result<Json<Arc<Runbook>>, Problem> {
    caller.require_principal()?;
    state.runbooks.get(&name).map(Json).ok_or(Problem::NotFound)
}
