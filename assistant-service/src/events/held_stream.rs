//! Answers that last: a task of its own feeds each, for nobody polls the response of a client that does not read, and what the
//! stream holds must come back. It ends with the client, with the caller's token by its time or by its revocation, or with the
//! service.

use std::time::Duration;

use axum::response::sse::KeepAlive;
use rand_core::{OsRng, RngCore};
use tokio::sync::mpsc;
use tracing::Instrument;

use crate::gate::Caller;
use crate::problem::Problem;
use crate::seats::NoSeat;
use crate::state::AppState;
use crate::trust::Distrust;

/// Pieces between the task that reads the store and the response that a client reads.
const PIECES_UNDER_WAY: usize = 4;

/// How long a client has to take the last piece.
const LAST_PIECE: Duration = Duration::from_secs(1);

/// What a stream is made of.
pub(crate) trait Feed: Send + 'static {
    /// What is sent at once.
    type Piece: Send + 'static;

    /// Sends pieces until there are no more, nobody receives them, or the store fails.
    fn feed(&mut self, pieces: &mpsc::Sender<Self::Piece>) -> impl Future<Output = ()> + Send;

    /// What is said at the end, however that came.
    fn last_piece(&self) -> Option<Self::Piece>;
}

/// Signs of life between pieces, each stream's at a time of its own of 10 to 15 s: of many that were opened together all would
/// otherwise speak at once, again and again, and whoever calls then would wait.
pub(crate) fn signs_of_life() -> KeepAlive {
    let further = u64::from(OsRng.next_u32() % 5_000);
    KeepAlive::new().interval(Duration::from_millis(further.saturating_add(10_000)))
}

/// Begins a stream of the caller, who takes a seat for it.
pub(crate) fn hold<F: Feed>(
    state: &AppState,
    caller: &Caller,
    mut source: F,
) -> Result<mpsc::Receiver<F::Piece>, Problem> {
    let seat = state.tail_seats.take(caller.require_principal()?).map_err(|none| match none {
        NoSeat::OfOwn => Problem::TooManyStreams,
        NoSeat::AtAll => Problem::Busy,
    })?;
    let time_left = caller.time_left(state.clock.now());
    let caller = caller.clone();
    let (sender, receiver) = mpsc::channel(PIECES_UNDER_WAY);
    let state = state.clone();
    let feed = async move {
        tokio::select! {
            () = source.feed(&sender) => {}
            () = sender.closed() => {}
            () = tokio::time::sleep(time_left) => {}
            () = state.ended() => {}
            distrust = state.trust.until_distrusted(&caller) => match distrust {
                Distrust::Revoked => drop(state.metrics.revoked_streams.inc()),
                Distrust::CutOff => tracing::warn!("a stream of events ended because this replica hears of no revocation"),
            },
        }
        if let Some(last) = source.last_piece() {
            // A client that does not take it sees a stream without an end, which says the same less exactly.
            let _ = tokio::time::timeout(LAST_PIECE, sender.send(last)).await;
        }
        drop(seat);
    };
    tokio::spawn(feed.in_current_span());
    Ok(receiver)
}
