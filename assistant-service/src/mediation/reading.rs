//! `GET /v1/mediations`, and one of them: each of the two sees their own view, and nobody else sees any.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::book::Kept;
use super::people::Listed;
use super::view::{MediationView, Summary};
use crate::gate::Caller;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// The caller's mediations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Mediations {
    /// Newest first, those among them that have ended and are still kept; 100 that the caller began and 100 others at most.
    mediations: Vec<Summary>,
}

/// All mediations that the caller is in.
#[utoipa::path(get, path = "/v1/mediations", tag = "mediations",
    responses((status = OK, description = "Mediations, newest first", body = Mediations)))]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Mediations>, Problem> {
    let who = caller.require_principal()?;
    let listed = Listed::of(&*state.backbone, who).await?;
    let now = state.clock.now();
    let seen = listed.records.iter().rev().map(|record| Ok(Summary::of(record, record.side_of(who)?, now)));
    Ok(Json(Mediations { mediations: seen.collect::<Result<_, Problem>>()? }))
}

/// One mediation as the caller sees it.
#[utoipa::path(get, path = "/v1/mediations/{id}", tag = "mediations",
    params(("id" = String, Path, description = "The mediation")),
    responses(
        (status = OK, description = "The caller's view", body = MediationView),
        (status = NOT_FOUND, description = "No mediation of the caller's", body = ProblemDocument)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<Json<MediationView>, Problem> {
    let (Kept { record, .. }, side) = Kept::of(&*state.backbone, &caller, &id).await?;
    Ok(Json(MediationView::of(&record, side, state.clock.now())))
}
