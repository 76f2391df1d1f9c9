//! `GET /v1/runbooks` and `GET /v1/runbooks/{name}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Right, Runbook, RunbookCatalogue, Who};
use crate::gate::Caller;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// The catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Runbooks {
    /// Sorted by name.
    runbooks: Vec<ListedRunbook>,
}

/// A runbook, and what the caller may do with it. One with which that is nothing is listed too: the catalogue has a
/// right of its own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedRunbook {
    #[serde(flatten)]
    #[schema(value_type = Runbook)]
    runbook: Arc<Runbook>,
    /// What of it there is to do, and is allowed.
    you_may: Vec<Right>,
}

impl ListedRunbook {
    fn of(runbook: Arc<Runbook>, catalogue: &dyn RunbookCatalogue, who: &Who<'_>) -> Self {
        let there_is = |right: &Right| match right {
            Right::Run | Right::Cancel => true,
            Right::DryRun => runbook.dry_run,
            Right::Approve => runbook.approval.needed,
        };
        let may = |right: &Right| there_is(right) && catalogue.allows(who, *right, (&*runbook).into());
        let you_may = Right::ALL.into_iter().filter(may).collect();
        Self { runbook, you_may }
    }
}

/// All runbooks.
#[utoipa::path(get, path = "/v1/runbooks", tag = "commands",
    responses((status = OK, description = "All runbooks, sorted by name", body = Runbooks)))]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Runbooks>, Problem> {
    let who = Who::of(&caller)?;
    let listed = state.runbooks.list().into_iter().map(|runbook| ListedRunbook::of(runbook, &*state.runbooks, &who));
    Ok(Json(Runbooks { runbooks: listed.collect() }))
}

/// One runbook.
#[utoipa::path(get, path = "/v1/runbooks/{name}", tag = "commands", params(("name" = String, Path)),
    responses(
        (status = OK, description = "The runbook", body = ListedRunbook),
        (status = NOT_FOUND, description = "No runbook has this name", body = ProblemDocument)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    caller: Caller,
    PathName(name): PathName,
) -> Result<Json<ListedRunbook>, Problem> {
    let who = Who::of(&caller)?;
    let runbook = state.runbooks.get(&name).ok_or(Problem::NotFound)?;
    Ok(Json(ListedRunbook::of(runbook, &*state.runbooks, &who)))
}
