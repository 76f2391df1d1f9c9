//! Bodies, read whole within their bounds before anybody works with them.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;

use super::{SHARE_OF_SEATS, nearly_over, shed};
use crate::gate::{Caller, Requester};
use crate::metrics::Shed;
use crate::problem::Problem;
use crate::seats::{NoSeat, Seat, Seats};
use crate::state::AppState;

/// The most that a body may have.
pub const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// What is read and thrown away of a body that is too large: a proxy that is still sending would not see the answer.
const DRAIN_LIMIT_BYTES: usize = 16 * BODY_LIMIT_BYTES;

/// Bytes of bodies that all requests at work hold together: what bounds memory where each may be large and many come at once.
pub(super) const BODIES_BYTES: usize = 128 * 1024 * 1024;

/// Within what a body is read.
#[derive(Clone, Copy)]
pub(super) struct BodyBounds {
    bytes: usize,
    time: Duration,
}

/// Of somebody whom the gate knows.
pub(super) const KNOWN: BodyBounds = BodyBounds { bytes: BODY_LIMIT_BYTES, time: Duration::from_secs(20) };

/// Of anybody: a handle or a form, in one packet or a few.
pub(super) const UNKNOWN: BodyBounds = BodyBounds { bytes: 16 * 1024, time: Duration::from_secs(5) };

/// Layer 9: whatever is behind it waits for nobody who sends slowly.
pub(super) async fn read_body(
    State((state, bounds)): State<(AppState, BodyBounds)>,
    request: Request,
    next: Next,
) -> Response {
    let requester = request.extensions().get::<Caller>().and_then(Caller::requester);
    let (parts, body) = request.into_parts();
    let read = tokio::select! {
        read = tokio::time::timeout(bounds.time, whole_body(body, bounds.bytes, &state.room_for_bodies, &requester)) => read,
        () = nearly_over(&state) => return Problem::Ending.into_response(),
    };
    match read {
        // The room is held for as long as the body may be.
        Ok(Ok((bytes, _held))) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(NotRead::NoRoom(NoSeat::OfOwn))) => shed(&state, Shed::Share, Problem::TooManyAtOnce),
        Ok(Err(NotRead::NoRoom(NoSeat::AtAll))) => shed(&state, Shed::Bodies, Problem::Busy),
        Ok(Err(NotRead::Problem(problem))) => problem.into_response(),
        Err(_) => Problem::BodyIncomplete.into_response(),
    }
}

/// Room for bodies, a byte for each seat; of those one caller, and all who have no name together, has a share.
pub(crate) fn room_for_bodies() -> Seats<Option<Requester>> {
    Seats::new(BODIES_BYTES, BODIES_BYTES / SHARE_OF_SEATS)
}

/// Why a body was not read.
enum NotRead {
    /// As much is held of bodies as is held at once.
    NoRoom(NoSeat),
    /// Its sender is to blame.
    Problem(Problem),
}

/// Room is taken for what has come, not for what is announced: that costs its sender nothing.
async fn whole_body(
    body: Body,
    most_bytes: usize,
    room: &Seats<Option<Requester>>,
    whose: &Option<Requester>,
) -> Result<(Bytes, Option<Seat<Option<Requester>>>), NotRead> {
    let mut pieces = body.into_data_stream();
    let mut whole = Vec::new();
    let mut held: Option<Seat<Option<Requester>>> = None;
    let mut thrown_away = 0_usize;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| NotRead::Problem(Problem::BodyIncomplete))?;
        if thrown_away == 0 && whole.len().saturating_add(piece.len()) <= most_bytes {
            match &mut held {
                Some(held) => held.grow(piece.len()).map_err(NotRead::NoRoom)?,
                None => held = Some(room.take_many(whose, piece.len()).map_err(NotRead::NoRoom)?),
            }
            whole.extend_from_slice(&piece);
        } else {
            (whole, held) = (Vec::new(), None);
            thrown_away = thrown_away.saturating_add(piece.len().max(1));
            if thrown_away > DRAIN_LIMIT_BYTES {
                break;
            }
        }
    }
    if thrown_away == 0 { Ok((whole.into(), held)) } else { Err(NotRead::Problem(Problem::BodyTooLarge)) }
}
