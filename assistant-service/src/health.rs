//! For whoever runs the service: is it alive, can it work.

use axum::extract::State;
use axum::http::StatusCode;

use crate::backbone::Batch;
use crate::problem::Problem;
use crate::state::AppState;

/// Says that the process answers.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = OK, description = "Alive")))]
pub(crate) async fn healthz() -> StatusCode {
    StatusCode::OK
}

/// Says whether the store takes changes.
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = OK, description = "Ready"),
    (status = SERVICE_UNAVAILABLE, description = "Not ready", body = crate::problem::ProblemDocument)))]
pub(crate) async fn readyz(State(state): State<AppState>) -> Result<StatusCode, Problem> {
    // An empty batch goes all the way through the writer.
    state.backbone.commit(Batch::default()).await?;
    Ok(StatusCode::OK)
}
