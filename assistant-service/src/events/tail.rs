//! The live tail: server-sent events that begin where the reader left off.

use std::convert::Infallible;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};
use tokio::sync::{mpsc, watch};

use super::held_stream::{self, Feed};
use crate::backbone::{Backbone, BackboneError, EventFilter, Freshness, Order, Page, Position, StoredEvent};
use crate::gate::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// Read at once. What a slow reader holds is bounded by the store, which ends a page of large events early.
const PAGE_EVENTS: u32 = 256;

struct Tail {
    backbone: Arc<dyn Backbone>,
    filter: EventFilter,
    newest: watch::Receiver<Position>,
}

/// Begins a stream after `Last-Event-ID`, else after the filter's `after`, else with what came in at its `since`, else with
/// what comes from now on.
pub(super) async fn open(
    state: &AppState,
    caller: &Caller,
    filter: EventFilter,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    if filter.order == Order::Descending {
        return Err(Problem::invalid("order", "a stream goes from old events to new ones"));
    }
    if filter.until.is_some() {
        return Err(Problem::invalid("until", "a stream has no end; leave it away, or ask for application/x-ndjson"));
    }
    let newest = state.backbone.newest_position();
    let (seen, newest_position) = last_seen(&*state.backbone, headers).await?;
    let after = seen.or(filter.after);
    // Whoever has seen an event is beyond the time.
    let since = filter.since.filter(|_| after.is_none());
    let after = after.or(since.map(|_| 0)).unwrap_or(newest_position);
    let filter = EventFilter { after: Some(after), since, limit: PAGE_EVENTS, freshness: Freshness::Known, ..filter };
    let tail = Tail { backbone: Arc::clone(&state.backbone), filter, newest };
    let mut events = held_stream::hold(state, caller, tail)?;
    let events = stream::poll_fn(move |context| events.poll_recv(context)).map(Ok::<_, Infallible>);
    Ok(Sse::new(events).keep_alive(held_stream::signs_of_life()).into_response())
}

/// What the reader says it has seen (`Last-Event-ID`), and the newest position there is.
pub(crate) async fn last_seen(
    backbone: &dyn Backbone,
    headers: &HeaderMap,
) -> Result<(Option<Position>, Position), Problem> {
    let newest = backbone.newest_position();
    let mut newest_position = *newest.borrow();
    let Some(value) = headers.get("last-event-id") else { return Ok((None, newest_position)) };
    let seen = value.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(no_event_of_this_stream)?;
    if seen > newest_position {
        newest_position = newest_of_all(backbone).await?.max(*newest.borrow());
    }
    if seen > newest_position { Err(no_event_of_this_stream()) } else { Ok((Some(seen), newest_position)) }
}

/// The newest position of the log, which another replica may know before this one: a reader who comes from there has seen
/// events that are still to come here.
async fn newest_of_all(backbone: &dyn Backbone) -> Result<Position, BackboneError> {
    let newest = EventFilter { limit: 1, order: Order::Descending, ..EventFilter::default() };
    let page = backbone.query(newest).await?;
    Ok(page.events.first().map_or(0, |stored| stored.position))
}

/// A position that was never given is from another store: waiting for it would be silence.
fn no_event_of_this_stream() -> Problem {
    Problem::invalid("Last-Event-ID", "must be the id of an event of this stream")
}

fn message(stored: &StoredEvent) -> Event {
    Event::default().id(stored.position.to_string()).event("event").data(&stored.json)
}

/// An id without data: no event to a reader, but what it comes back with (HTML, section 9.2.6), so that it need not wait for the same
/// look once more.
fn looked_up_to(position: Position) -> Event {
    Event::default().id(position.to_string())
}

impl Feed for Tail {
    type Piece = Event;

    async fn feed(&mut self, pieces: &mpsc::Sender<Event>) {
        loop {
            let page = match self.next_page().await {
                Ok(page) => page,
                Err(error) => {
                    // The reader comes back with the last id that it has seen.
                    tracing::error!(%error, "a tail of events ended because of the store");
                    return;
                }
            };
            let looked = page.next_after.filter(|_| page.events.is_empty()).map(looked_up_to);
            for piece in page.events.iter().map(message).chain(looked) {
                if pieces.send(piece).await.is_err() {
                    return;
                }
            }
        }
    }

    fn last_piece(&self) -> Option<Event> {
        None
    }
}

impl Tail {
    /// The next events that match, or how far a look without any has come; waits when there is nothing more to look at.
    async fn next_page(&mut self) -> Result<Page, BackboneError> {
        loop {
            let newest = *self.newest.borrow_and_update();
            let page = self.backbone.query(self.filter.clone()).await?;
            // What was looked through without a match need not be looked through again.
            let seen = page.next_after.or(page.events.last().map(|stored| stored.position).max(Some(newest)));
            self.filter.after = self.filter.after.max(seen);
            if !page.events.is_empty() || page.next_after.is_none() {
                // The time has been reached. A clock that is set back must not hide what comes from now on.
                self.filter.since = None;
            }
            if !page.events.is_empty() || page.next_after.is_some() {
                return Ok(page);
            }
            let gone = |_| BackboneError::Unavailable("its writer has ended".to_owned());
            self.newest.changed().await.map_err(gone)?;
        }
    }
}
