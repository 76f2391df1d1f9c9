//! The QR code of an offer (ISO/IEC 18004), as a drawing and as pixels.

use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use qrcode::{Color, EcLevel, QrCode};

use super::record::State as SessionState;
use crate::gate::Caller;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::seats::NoSeat;
use crate::state::AppState;

/// White around it, without which readers do not find it, in modules.
const QUIET: usize = 4;

/// Pixels of a module in the drawing; pictures of pixels have twice as many.
const MODULE: usize = 4;

/// The code of an offer, for whoever offers it.
#[utoipa::path(get, path = "/v1/sessions/{id}/code.svg", tag = "sessions",
    params(("id" = String, Path, description = "The session")),
    responses(
        (status = OK, description = "The code; to be shown, and not to be kept", content_type = "image/svg+xml", body = String),
        (status = NOT_FOUND, description = "The caller has no such session", body = ProblemDocument),
        (status = GONE, description = "The code was used, or it is too late", body = ProblemDocument)))]
pub(crate) async fn svg(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<Response, Problem> {
    let code = offered(&state, &caller, &id).await?;
    Ok((headers("image/svg+xml"), drawing(&code)).into_response())
}

/// The same code as pixels.
#[utoipa::path(get, path = "/v1/sessions/{id}/code.png", tag = "sessions",
    params(("id" = String, Path, description = "The session")),
    responses(
        (status = OK, description = "The code; to be shown, and not to be kept", content_type = "image/png", body = Vec<u8>),
        (status = NOT_FOUND, description = "The caller has no such session", body = ProblemDocument),
        (status = GONE, description = "The code was used, or it is too late", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "The caller asks for too many at once", body = ProblemDocument)))]
pub(crate) async fn png(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<Response, Problem> {
    let seat = state.picture_seats.take(caller.require_principal()?).map_err(|none| match none {
        NoSeat::OfOwn => Problem::TooManyPictures,
        NoSeat::AtAll => Problem::Busy,
    })?;
    let code = offered(&state, &caller, &id).await?;
    let drawn = tokio::task::spawn_blocking(move || {
        let _held = seat;
        incident_plot::png(&drawing(&code))
    });
    let picture = drawn.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
    Ok((headers("image/png"), picture).into_response())
}

fn headers(content_type: &'static str) -> [(HeaderName, &'static str); 4] {
    [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ]
}

async fn offered(state: &AppState, caller: &Caller, id: &str) -> Result<QrCode, Problem> {
    let sessions = state.sessions()?;
    let record = sessions.find_own(id, caller.require_principal()?).await?;
    if record.state != SessionState::Offered || record.is_over(sessions.now()) {
        return Err(Problem::SessionGone);
    }
    code(&sessions.link(&record)?)
}

/// A text as a code, which can be read with a seventh of it covered.
fn code(text: &str) -> Result<QrCode, Problem> {
    QrCode::with_error_correction_level(text, EcLevel::M).map_err(|error| Problem::mistake(format!("a link: {error}")))
}

/// One path for all that is dark: a rectangle for each run of modules in a row.
fn drawing(code: &QrCode) -> String {
    use std::fmt::Write as _;
    let width = code.width();
    let side = width.saturating_add(2 * QUIET);
    let mut path = String::new();
    for (row, modules) in code.to_colors().chunks(width).enumerate() {
        let (mut x, y) = (QUIET, row.saturating_add(QUIET));
        for run in modules.chunk_by(|one, other| one == other) {
            let length = run.len();
            if run.first() == Some(&Color::Dark) {
                // Writing to a string has no way to fail.
                let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
            }
            x = x.saturating_add(length);
        }
    }
    let pixels = side.saturating_mul(MODULE);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{pixels}" height="{pixels}" viewBox="0 0 {side} {side}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}h-{side}z"/><path fill="#000" d="{path}"/></svg>"##
    )
}
