//! The live tail: server-sent events that begin where the reader left off and end with the caller's token, by its time or by its revocation.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};
use tokio::sync::{mpsc, watch};
use tracing::Instrument;

use crate::backbone::{Backbone, BackboneError, EventFilter, Freshness, Order, Position, StoredEvent};
use crate::gate::Caller;
use crate::problem::Problem;
use crate::state::AppState;
use crate::trust::Distrust;

const HEARTBEAT: Duration = Duration::from_secs(15);

/// Read at once. What a slow reader holds is bounded by the store, which ends a page of large events early.
const PAGE_EVENTS: u32 = 256;

/// Events between the task that reads the store and the response that a client reads.
const EVENTS_UNDER_WAY: usize = 4;

struct Tail {
    backbone: Arc<dyn Backbone>,
    filter: EventFilter,
    newest: watch::Receiver<Position>,
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
    let newest = state.backbone.newest_position();
    let newest_position = *newest.borrow();
    let after = last_seen(headers, newest_position)?.or(filter.after).unwrap_or(newest_position);
    let filter = EventFilter { after: Some(after), limit: PAGE_EVENTS, freshness: Freshness::Known, ..filter };
    let seat = state.tail_seats.take(caller.require_principal()?)?;
    let tail = Tail { backbone: Arc::clone(&state.backbone), filter, newest };
    let time_left = caller.time_left(state.clock.now());
    let caller = caller.clone();
    let (sender, mut receiver) = mpsc::channel(EVENTS_UNDER_WAY);
    let state = state.clone();
    // A task of its own: nobody polls the response of a client that does not read, and its seat must come back.
    let feed = async move {
        tokio::select! {
            () = tail.feed(&sender) => {}
            () = sender.closed() => {}
            () = tokio::time::sleep(time_left) => {}
            () = state.ended() => {}
            distrust = state.trust.until_distrusted(&caller) => match distrust {
                Distrust::Revoked => drop(state.metrics.revoked_streams.inc()),
                Distrust::CutOff => tracing::warn!("a tail of events ended because this replica hears of no revocation"),
            },
        }
        drop(seat);
    };
    tokio::spawn(feed.in_current_span());
    let events = stream::poll_fn(move |context| receiver.poll_recv(context)).map(Ok::<_, Infallible>);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

/// What the reader says it has seen. A position that was never given is from another store: waiting for it would be
/// silence.
fn last_seen(headers: &HeaderMap, newest: Position) -> Result<Option<Position>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let position = value.to_str().ok().and_then(|text| text.parse().ok());
    match position.filter(|position| *position <= newest) {
        Some(position) => Ok(Some(position)),
        None => Err(Problem::invalid("Last-Event-ID", "must be the id of an event of this stream")),
    }
}

fn message(stored: &StoredEvent) -> Event {
    Event::default().id(stored.position.to_string()).event("event").data(&stored.json)
}

impl Tail {
    /// Sends what matches until nobody receives it or the store fails.
    async fn feed(mut self, sender: &mpsc::Sender<Event>) {
        loop {
            match self.next_page().await {
                Ok(page) => {
                    for stored in page {
                        if sender.send(message(&stored)).await.is_err() {
                            return;
                        }
                    }
                }
                Err(error) => {
                    // The reader comes back with the last id that it has seen.
                    tracing::error!(%error, "a tail of events ended because of the store");
                    return;
                }
            }
        }
    }

    /// The next events that match; waits until there are any.
    async fn next_page(&mut self) -> Result<Vec<StoredEvent>, BackboneError> {
        loop {
            let newest = *self.newest.borrow_and_update();
            let page = self.backbone.query(self.filter.clone()).await?;
            // What was looked through without a match need not be looked through again.
            let seen = page.next_after.or(page.events.last().map(|stored| stored.position).max(Some(newest)));
            self.filter.after = self.filter.after.max(seen);
            if !page.events.is_empty() {
                return Ok(page.events);
            }
            let gone = |_| BackboneError::Unavailable("its writer has ended".to_owned());
            self.newest.changed().await.map_err(gone)?;
        }
    }
}
