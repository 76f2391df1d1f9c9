//! `GET /v1/incidents/{id}/plot.svg` and `.png`: what moved, from the samples in the log.

use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use incident_plot::Plot;
use tokio::sync::Semaphore;

use super::gathering::gather;
use super::reading::find;
use crate::gate::Caller;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::seats::{NoSeat, Seat};
use crate::state::AppState;

/// Pictures that are made at once: each reads thousands of events, and whoever comes then waits, as far as there are seats for that.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// A picture of an incident: up to four metrics, what moved first on top, on struck devices and on one that is not, with what was usual, and
/// when it began, was noticed and was over.
#[utoipa::path(get, path = "/v1/incidents/{id}/plot.svg", tag = "incidents",
    params(("id" = String, Path, description = "The incident")),
    responses(
        (status = OK, description = "The picture; without lines where the log has let the samples go",
            content_type = "image/svg+xml", body = String),
        (status = NOT_FOUND, description = "No such incident", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "The caller asks for too many at once", body = ProblemDocument),
        (status = SERVICE_UNAVAILABLE, description = "Too many are asked for at once", body = ProblemDocument)))]
pub(crate) async fn svg(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<Response, Problem> {
    let picture = drawn(&state, &caller, &id, |plot| Ok(incident_plot::svg(plot).into_bytes())).await?;
    Ok((headers("image/svg+xml"), picture).into_response())
}

/// The same picture as pixels, 1,800 wide.
#[utoipa::path(get, path = "/v1/incidents/{id}/plot.png", tag = "incidents",
    params(("id" = String, Path, description = "The incident")),
    responses(
        (status = OK, description = "The picture", content_type = "image/png", body = Vec<u8>),
        (status = NOT_FOUND, description = "No such incident", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "The caller asks for too many at once", body = ProblemDocument),
        (status = SERVICE_UNAVAILABLE, description = "Too many are asked for at once", body = ProblemDocument)))]
pub(crate) async fn png(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<Response, Problem> {
    let draw = |plot: &Plot| incident_plot::png(&incident_plot::svg(plot)).map_err(Problem::internal);
    Ok((headers("image/png"), drawn(&state, &caller, &id, draw).await?).into_response())
}

/// Words in a picture come from devices; a browser that shows it as a page runs and fetches nothing.
fn headers(content_type: &'static str) -> [(HeaderName, &'static str); 3] {
    [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ]
}

async fn drawn(
    state: &AppState,
    caller: &Caller,
    id: &str,
    draw: impl FnOnce(&Plot) -> Result<Vec<u8>, Problem> + Send + 'static,
) -> Result<Vec<u8>, Problem> {
    let seat = seat(state, caller)?;
    let record = find(state, id).await?;
    let turn = AT_ONCE.acquire().await.map_err(|_| Problem::Ending)?;
    let plot = gather(state, &record).await?;
    let drawing = move || {
        // Whoever asked may be gone meanwhile; it is one of those at once until it is drawn.
        let _held = (seat, turn);
        draw(&plot)
    };
    tokio::task::spawn_blocking(drawing).await.map_err(Problem::internal)?
}

/// A place among those whose pictures are made, or wait for that.
fn seat(state: &AppState, caller: &Caller) -> Result<Seat, Problem> {
    state.picture_seats.take(caller.require_principal()?).map_err(|none| match none {
        NoSeat::OfOwn => Problem::TooManyPictures,
        NoSeat::AtAll => Problem::Busy,
    })
}
