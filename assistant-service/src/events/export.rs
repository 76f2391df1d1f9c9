//! All that matches as lines of JSON (NDJSON). The last line says where it ended: a stream that was cut off must not look whole, and
//! an HTTP trailer would be lost on the way into a file.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::held_stream::{self, Feed};
use crate::backbone::{Backbone, BackboneError, EventFilter, Order, Position};
use crate::gate::Caller;
use crate::problem::Problem;
use crate::state::AppState;

pub(super) const MEDIA_TYPE: &str = "application/x-ndjson";

/// Read at once; the store ends a page of large events early, so that this bounds what a slow reader holds.
const PAGE_EVENTS: u32 = 256;

/// The last line. No event looks like it: each has a `specversion`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LastLine {
    watchgate: LastLineKind,
    /// Where to go on; null when everything is there.
    pub(crate) next_after: Option<Position>,
    /// The events above it.
    pub(crate) count: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LastLineKind {
    End,
}

impl LastLine {
    pub(crate) fn new(next_after: Option<Position>, count: u64) -> Self {
        Self { watchgate: LastLineKind::End, next_after, count }
    }
}

struct Export {
    backbone: Arc<dyn Backbone>,
    filter: EventFilter,
    count: u64,
    /// What came in later is left for another time, or an export of a busy service would have no end.
    newest: Option<Position>,
    is_whole: bool,
}

/// Begins an export.
pub(super) fn open(state: &AppState, caller: &Caller, filter: EventFilter) -> Result<Response, Problem> {
    let filter = EventFilter { limit: PAGE_EVENTS, ..filter };
    let backbone = Arc::clone(&state.backbone);
    let export = Export { backbone, filter, count: 0, newest: None, is_whole: false };
    let mut pieces = held_stream::hold(state, caller, export)?;
    let body = stream::poll_fn(move |context| pieces.poll_recv(context)).map(Ok::<_, Infallible>);
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], Body::from_stream(body)).into_response())
}

impl Feed for Export {
    type Piece = Bytes;

    async fn feed(&mut self, pieces: &mpsc::Sender<Bytes>) {
        while !self.is_whole {
            if let Err(error) = self.next_page(pieces).await {
                tracing::error!(%error, "an export of events ended because of the store");
                return;
            }
        }
    }

    fn last_piece(&self) -> Option<Bytes> {
        let next_after = if self.is_whole { None } else { Some(self.filter.after.unwrap_or_default()) };
        let mut line = serde_json::to_vec(&LastLine::new(next_after, self.count)).ok()?;
        line.push(b'\n');
        Some(line.into())
    }
}

impl Export {
    async fn next_page(&mut self, pieces: &mpsc::Sender<Bytes>) -> Result<(), BackboneError> {
        let page = self.backbone.query(self.filter.clone()).await?;
        let newest = *self.newest.get_or_insert_with(|| *self.backbone.newest_position().borrow());
        let (mut lines, mut count) = (Vec::new(), 0_u64);
        let mut is_whole = page.next_after.is_none();
        for stored in page.events {
            if self.filter.order == Order::Ascending && stored.position > newest {
                is_whole = true;
                break;
            }
            lines.extend_from_slice(stored.json.as_bytes());
            lines.push(b'\n');
            count = count.saturating_add(1);
        }
        if !lines.is_empty() && pieces.send(lines.into()).await.is_err() {
            return Ok(());
        }
        // Only what has been sent counts: the export may be cut off at each wait.
        self.count = self.count.saturating_add(count);
        self.filter.after = page.next_after.or(self.filter.after);
        self.is_whole = is_whole;
        Ok(())
    }
}
