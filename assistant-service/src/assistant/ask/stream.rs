//! An answer as server-sent events.

use std::convert::Infallible;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::future::{self, FutureExt};
use futures_util::stream::{self, StreamExt};
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{HEARTBEAT, Told, answered, tell};
use crate::assistant::{Asked, Progress, Step};
use crate::gate::Caller;
use crate::problem::Problem;
use crate::seats::Seat;
use crate::state::AppState;

/// Steps between the assistant and the stream.
const STEPS_UNDER_WAY: usize = 4;

enum Piece {
    Step(Step),
    Answer(Box<Told>),
    End,
}

type Pieces = mpsc::Sender<Result<Piece, Problem>>;

/// Begins the stream, unless the question is refused first.
pub(super) async fn open(state: AppState, caller: Caller, seat: Seat, asked: Asked) -> Result<Response, Problem> {
    let answering = (state.clone(), caller.clone());
    let pieces =
        tell(state, caller, seat, |pieces| async move { speak(&answering.0, &answering.1, asked, pieces).await });
    let events = pieces.await?.flat_map(|piece| stream::iter(events(piece))).map(Ok::<_, Infallible>);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

async fn speak(state: &AppState, caller: &Caller, asked: Asked, pieces: Pieces) -> Result<(), Problem> {
    let (teller, mut steps) = mpsc::channel(STEPS_UNDER_WAY);
    let answering = answered(state, caller, Uuid::now_v7(), asked, Progress::to(teller));
    let forwarding = async {
        while let Some(step) = steps.recv().await {
            send(&pieces, Piece::Step(step)).await;
        }
    };
    // Both go on by themselves: an answer that stood still while a client does not read would keep what it holds from others.
    let (told, ()) = future::try_join(answering, forwarding.map(Ok)).await?;
    send(&pieces, Piece::Answer(Box::new(told))).await;
    send(&pieces, Piece::End).await;
    Ok(())
}

/// A listener who is gone is seen by whoever runs this, which is dropped then.
async fn send(pieces: &Pieces, piece: Piece) {
    let _ = pieces.send(Ok(piece)).await;
}

fn events(piece: Result<Piece, Problem>) -> Vec<Event> {
    match piece {
        Ok(Piece::Step(step)) => vec![step_event(step)],
        Ok(Piece::Answer(told)) => vec![event("answer", &told)],
        Ok(Piece::End) => vec![event("end", &json!({"complete": true}))],
        Err(problem) => {
            vec![event("problem", &problem.into_document().1), event("end", &json!({"complete": false}))]
        }
    }
}

fn step_event(step: Step) -> Event {
    match step {
        Step::Searched { query, sections } => event("searched", &json!({"query": query, "sections": sections})),
        Step::Used { tool } => event("tool", &json!({"name": tool})),
        Step::Words(text) => event("words", &json!({"text": text})),
        Step::Anew => event("anew", &json!({})),
    }
}

fn event(name: &str, data: &impl Serialize) -> Event {
    // Strings, numbers and lists alone: this has no way to fail.
    Event::default().event(name).data(serde_json::to_string(data).unwrap_or_default())
}
