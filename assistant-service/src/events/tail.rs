//! The live tail: server-sent events that begin where the reader left off and end with the caller's token.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::backbone::{BackboneError, EventFilter, Order, Position, StoredEvent};
use crate::gate::Caller;
use crate::problem::Problem;
use crate::state::AppState;

const HEARTBEAT: Duration = Duration::from_secs(15);

/// Read at once. What a slow reader holds is bounded by the store, which ends a page of large events early.
const PAGE_EVENTS: u32 = 256;

struct Tail {
    state: AppState,
    filter: EventFilter,
    newest: watch::Receiver<Position>,
    _seat: OwnedSemaphorePermit,
}

/// Begins a stream after `Last-Event-ID`, else after the filter's `after`, else with what comes from now on.
pub(super) fn open(
    state: &AppState,
    caller: &Caller,
    filter: EventFilter,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    if filter.order == Order::Descending {
        return Err(Problem::invalid("order", "a stream goes from old events to new ones"));
    }
    let seat = state.take_waiting_seat()?;
    let newest = state.backbone.subscribe();
    let resumed = match headers.get("last-event-id") {
        None => None,
        Some(value) => {
            let position: Option<Position> = value.to_str().ok().and_then(|text| text.parse().ok());
            Some(
                position
                    .ok_or_else(|| Problem::invalid("Last-Event-ID", "must be the id of an event of this stream"))?,
            )
        }
    };
    let after = resumed.or(filter.after).unwrap_or_else(|| *newest.borrow());
    let filter = EventFilter { after: Some(after), limit: PAGE_EVENTS, ..filter };
    let time_left = caller.time_left(state.clock.now());
    let tail = Tail { state: state.clone(), filter, newest, _seat: seat };
    let ended = {
        let state = state.clone();
        async move {
            tokio::select! {
                () = tokio::time::sleep(time_left) => {}
                () = state.ended() => {}
            }
        }
    };
    let events = events(tail).take_until(Box::pin(ended));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

fn events(tail: Tail) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(tail, |mut tail| async move {
        match tail.next_page().await {
            Ok(page) => Some((page, tail)),
            Err(error) => {
                // The reader comes back with the last id that it has seen.
                tracing::error!(%error, "a tail of events ended because of the store");
                None
            }
        }
    })
    .flat_map(|page| stream::iter(page.into_iter().map(|stored| Ok(message(&stored)))))
}

fn message(stored: &StoredEvent) -> Event {
    Event::default().id(stored.position.to_string()).event("event").data(&stored.json)
}

impl Tail {
    /// The next events that match; waits until there are any.
    async fn next_page(&mut self) -> Result<Vec<StoredEvent>, BackboneError> {
        loop {
            let newest = *self.newest.borrow_and_update();
            let page = self.state.backbone.query(self.filter.clone()).await?;
            let last = page.events.last().map(|stored| stored.position);
            // What was looked through without a match need not be looked through again.
            let seen = if page.next_after.is_some() { last } else { last.max(Some(newest)) };
            self.filter.after = self.filter.after.max(seen);
            if !page.events.is_empty() {
                return Ok(page.events);
            }
            let gone = |_| BackboneError::Unavailable("its writer has ended".to_owned());
            self.newest.changed().await.map_err(gone)?;
        }
    }
}
