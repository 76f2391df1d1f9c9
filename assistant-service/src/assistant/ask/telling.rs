//! Answers that come piece by piece: a task of its own makes each, for nobody polls the response of a client that does not read, and
//! what it holds must come back. It ends with the client, who is then not waited for, or by the bounds of every answer.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tracing::Instrument;

use super::within_bounds;
use crate::gate::Caller;
use crate::layers::panicked;
use crate::problem::Problem;
use crate::seats::Seat;
use crate::state::AppState;

/// How often a stream that has nothing to say shows that it is there.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

/// Pieces between the task and the response that a client reads. A slow client holds the model back.
const PIECES_UNDER_WAY: usize = 4;

/// A refusal that comes this soon is an answer of its own, with a status that every client understands. After that the stream begins.
const BEGIN_WITHIN: Duration = Duration::from_secs(2);

/// How long a client has to take the error that ends the stream.
const LAST_PIECE: Duration = Duration::from_secs(1);

/// Begins to tell what `speak` sends. What it ends with when it fails is the last item; one that ends without an error has said its
/// last piece itself.
pub(crate) async fn tell<P, E, S, F>(
    state: AppState,
    caller: Caller,
    seat: Seat,
    speak: S,
) -> Result<impl Stream<Item = Result<P, E>> + Send + use<P, E, S, F>, E>
where
    P: Send + 'static,
    E: From<Problem> + Send + 'static,
    S: FnOnce(mpsc::Sender<Result<P, E>>) -> F + Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
{
    let (sender, mut receiver) = mpsc::channel(PIECES_UNDER_WAY);
    let speaking = AssertUnwindSafe(speak(sender.clone())).catch_unwind();
    let task = async move {
        let speaking = async { speaking.await.unwrap_or_else(|panic| Err(panicked(&*panic).into())) };
        let outcome = tokio::select! {
            () = sender.closed() => return,
            outcome = within_bounds(&state, &caller, speaking) => outcome,
        };
        if let Err(error) = outcome {
            // A client that does not take it sees a stream without an end, which says the same less exactly.
            let _ = tokio::time::timeout(LAST_PIECE, sender.send(Err(error))).await;
        }
        drop(seat);
    };
    tokio::spawn(task.in_current_span());
    let first = match tokio::time::timeout(BEGIN_WITHIN, receiver.recv()).await {
        Ok(Some(Err(error))) => return Err(error),
        Ok(first) => first,
        Err(_) => None,
    };
    let rest = stream::poll_fn(move |context| receiver.poll_recv(context));
    Ok(stream::iter(first).chain(rest))
}
