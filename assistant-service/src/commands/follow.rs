//! `GET /v1/commands/{id}/follow`: a command as it changes, and its output, until it has ended.
//!
//! Every change of a state and every piece of output is an event in the log, so the log's order is the order here, and its
//! positions say where a reader left off. How far a command is stands in its record alone, and is looked at besides.

mod telling;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::book::{Kept, find};
use super::command::Command;
use crate::backbone::{Backbone, BackboneError, EventFilter, Freshness, Order, Position, Revision, TypeFilter};
use crate::events::held_stream::{self, Feed};
use crate::events::tail;
use crate::gate::Caller;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;
use telling::Told;

/// Looks of one reader are so far apart, however much changes in the store.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// Read at once. A piece of output may have 16 KiB.
const PAGE_EVENTS: u32 = 64;

/// All types of events about a command lie below this one.
const TYPES: &str = "dev.watchgate.command";

/// Follows a command as server-sent events: `command` with the command as it stands, then `output` with `offset` and `text`
/// for all output so far and what comes, `command` again at each change, and `end` with its `state` once it has ended. A
/// stream without `end` was cut off: with `Last-Event-ID` it goes on after what was seen, beginning with the command as it
/// stands.
#[utoipa::path(get, path = "/v1/commands/{id}/follow", tag = "commands",
    params(
        ("id" = String, Path, description = "The command"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The last id that the reader has seen")),
    responses(
        (status = OK, description = "A stream", content_type = "text/event-stream"),
        (status = BAD_REQUEST, description = "Last-Event-ID is no id of this stream", body = ProblemDocument),
        (status = NOT_FOUND, description = "No such command", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "The caller holds too many streams", body = ProblemDocument)))]
pub(crate) async fn follow(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require_principal()?;
    let (seen, _) = tail::last_seen(&*state.backbone, &headers).await?;
    let follow = Follow::begin(Arc::clone(&state.backbone), &id, seen).await?;
    let mut pieces = held_stream::hold(&state, &caller, follow)?;
    let pieces = stream::poll_fn(move |context| pieces.poll_recv(context)).map(Ok::<_, Infallible>);
    Ok(Sse::new(pieces).keep_alive(held_stream::signs_of_life()).into_response())
}

struct Follow {
    backbone: Arc<dyn Backbone>,
    id: String,
    /// Up to where the log was looked through.
    after: Position,
    /// What is told of states up to here stands in the first command already.
    states_from: Position,
    told: Told,
    /// The record's revision at the last look.
    looked_at: Option<Revision>,
    revisions: watch::Receiver<Revision>,
}

/// Whether a reader is still there.
enum Reader {
    There,
    Gone,
}

impl Follow {
    async fn begin(backbone: Arc<dyn Backbone>, id: &str, seen: Option<Position>) -> Result<Self, Problem> {
        let revisions = backbone.newest_revision();
        let newest = *backbone.newest_position().borrow();
        let command = find(&*backbone, id).await?.record.command;
        let states_from = newest_of(&*backbone, &command).await?.unwrap_or(newest);
        let after = seen.unwrap_or_default();
        let told = Told::nothing_of(command)?;
        Ok(Self { backbone, id: id.to_owned(), after, states_from, told, looked_at: None, revisions })
    }

    /// Tells what there is until it has told the end, or nobody hears it any more.
    async fn tell(&mut self, pieces: &mpsc::Sender<Event>) -> Result<(), Problem> {
        let first = self.told.first();
        if let Reader::Gone = self.send(pieces, first).await {
            return Ok(());
        }
        loop {
            // Marked as seen before the look, so that what comes between the two is looked at again.
            self.revisions.mark_unchanged();
            let Kept { record, revision } = find(&*self.backbone, &self.id).await?;
            // What is told of the log is committed with a change of the record: without one there is nothing to look for.
            if self.looked_at.replace(revision) == Some(revision) {
                self.wait().await?;
                continue;
            }
            let states_before = self.told.states();
            if let Reader::Gone = self.tell_events(pieces).await? {
                return Ok(());
            }
            // What the log has told meanwhile may be newer than the record that was read before.
            let is_behind = self.told.states() != states_before;
            if !is_behind
                && let Some(changed) = self.told.unless_told(&record.command)?
                && let Reader::Gone = self.send(pieces, changed).await
            {
                return Ok(());
            }
            if let Some(end) = self.told.end() {
                let _ = self.send(pieces, end).await;
                return Ok(());
            }
            if is_behind {
                self.looked_at = None;
            } else {
                self.wait().await?;
            }
        }
    }

    /// Until something has changed in the store, and then a moment, in which more may.
    async fn wait(&mut self) -> Result<(), BackboneError> {
        let gone = |_| BackboneError::Unavailable("its writer has ended".to_owned());
        self.revisions.changed().await.map_err(gone)?;
        tokio::time::sleep(BETWEEN_LOOKS).await;
        Ok(())
    }

    /// Tells what the log has beyond what was told.
    async fn tell_events(&mut self, pieces: &mpsc::Sender<Event>) -> Result<Reader, Problem> {
        loop {
            let filter = EventFilter {
                event_type: Some(TypeFilter::Below(TYPES.to_owned())),
                subject: Some(self.id.clone()),
                after: Some(self.after),
                limit: PAGE_EVENTS,
                // The record was read before, and whoever knows that knows all that came before it.
                freshness: Freshness::Known,
                ..EventFilter::default()
            };
            let page = self.backbone.query(filter).await?;
            for stored in &page.events {
                self.after = stored.position;
                let is_known = stored.position <= self.states_from;
                if let Some(piece) = self.told.of_event(&stored.json, is_known)?
                    && let Reader::Gone = self.send(pieces, piece).await
                {
                    return Ok(Reader::Gone);
                }
            }
            let Some(next_after) = page.next_after else { return Ok(Reader::There) };
            self.after = self.after.max(next_after);
        }
    }

    async fn send(&self, pieces: &mpsc::Sender<Event>, piece: Event) -> Reader {
        match pieces.send(piece.id(self.after.to_string())).await {
            Ok(()) => Reader::There,
            Err(_) => Reader::Gone,
        }
    }
}

impl Feed for Follow {
    type Piece = Event;

    async fn feed(&mut self, pieces: &mpsc::Sender<Event>) {
        if let Err(problem) = self.tell(pieces).await {
            // The reader comes back with the last id that it has seen.
            tracing::error!(?problem, id = self.id, "a command is not followed any further because of the store");
        }
    }

    fn last_piece(&self) -> Option<Event> {
        None
    }
}

/// Where the newest event stands that tells of the state of a command.
async fn newest_of(backbone: &dyn Backbone, command: &Command) -> Result<Option<Position>, BackboneError> {
    let filter = EventFilter {
        event_type: Some(TypeFilter::Exact(format!("{TYPES}.{}", command.state.name()))),
        subject: Some(command.id.clone()),
        limit: 1,
        order: Order::Descending,
        ..EventFilter::default()
    };
    let page = backbone.query(filter).await?;
    Ok(page.events.first().map(|stored| stored.position))
}

fn event(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}
