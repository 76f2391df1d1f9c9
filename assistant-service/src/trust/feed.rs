//! `GET /v1/trust`: what a keeper does not know yet, at once or as soon as there is something.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::book::TrustBook;
use super::key_sets::NamedKeySet;
use crate::backbone::{BackboneError, Revision};
use crate::parameters::QueryOf;
use crate::problem::{Problem, ProblemDocument};
use crate::revocations::RevocationEntry;
use crate::state::AppState;

/// Less than the time that an answer may take.
const MAX_WAIT_SECONDS: u64 = 25;

/// A replica that has not heard of the others for so long tells keepers nothing: what it knows would look like all there is.
const TELLS_NO_MORE: Duration = Duration::from_secs(5);

/// From where on, and how patient.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// The last answer's cursor; without it, or with one that is not known here, everything is told.
    after: Option<String>,
    /// Seconds to wait for something new, 0 to 25.
    #[param(maximum = 25)]
    wait: Option<u64>,
}

/// What is new since a cursor.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Feed {
    /// To be given as `after` next.
    cursor: String,
    /// Whether this is all there is: what is not in it does not hold any more.
    complete: bool,
    /// In the order in which they were made. None is ever taken back; each ends by itself.
    revocations: Vec<RevocationEntry>,
    /// What `gate.key` shall hold; null when that has not changed.
    #[schema(value_type = Option<Object>)]
    gate_keys: Option<Box<RawValue>>,
    /// Those that were put.
    key_sets: Vec<NamedKeySet>,
}

/// What gates shall trust and what no more, for keepers alone: they show a token that they make with the gates' key.
#[utoipa::path(get, path = "/v1/trust", tag = "trust", params(Parameters),
    responses(
        (status = OK, description = "What is new", body = Feed),
        (status = UNAUTHORIZED, description = "Not a keeper", body = ProblemDocument),
        (status = SERVICE_UNAVAILABLE, description = "This replica is cut off from the others", body = ProblemDocument)))]
pub(crate) async fn feed(
    State(state): State<AppState>,
    QueryOf(Parameters { after, wait }): QueryOf<Parameters>,
) -> Result<impl IntoResponse, Problem> {
    let wait = wait.unwrap_or_default();
    if wait > MAX_WAIT_SECONDS {
        return Err(Problem::invalid("wait", format!("must be a number from 0 to {MAX_WAIT_SECONDS}")));
    }
    let feed = tokio::select! {
        biased;
        () = state.trust.hearing.until_cut_off(TELLS_NO_MORE) => return Err(Problem::CutOff),
        feed = news(&state, after, Duration::from_secs(wait)) => feed?,
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(feed)))
}

async fn news(state: &AppState, cursor: Option<String>, wait: Duration) -> Result<Feed, Problem> {
    let after = match cursor {
        Some(cursor) => state.trust.known(&cursor).await?,
        None => None,
    };
    match after {
        Some(after) => tokio::select! {
            () = state.trust.until_newer(after) => {}
            () = tokio::time::sleep(wait) => {}
            () = state.ended() => {}
        },
        // What will be called complete must be: the keeper drops what is not in it.
        None => state.trust.catch_up(&mut *state.trust.turn.lock().await).await?,
    }
    let book = Arc::clone(&state.trust);
    // Everything may be some megabytes: not on a thread that others wait for.
    let feed = tokio::task::spawn_blocking(move || book.feed(after)).await.map_err(Problem::internal)?;
    feed.map_err(Problem::internal)
}

impl TrustBook {
    /// The revision of a cursor that this store has given.
    async fn known(&self, cursor: &str) -> Result<Option<Revision>, BackboneError> {
        let revision = cursor.split_once('.').filter(|(store, _)| *store == self.store);
        let Some(revision) = revision.and_then(|(_, revision)| revision.parse().ok()) else { return Ok(None) };
        if revision > *self.subscribe().borrow() {
            // Another replica may have given it a moment ago.
            self.catch_up(&mut *self.turn.lock().await).await?;
        }
        // A store that was put back to what it was before has not given this one yet.
        Ok((revision <= *self.subscribe().borrow()).then_some(revision))
    }

    async fn until_newer(&self, after: Revision) {
        // The sender is a part of `self`, so it is there.
        let _ = self.subscribe().wait_for(|newest| *newest > after).await;
    }

    fn feed(&self, after: Option<Revision>) -> Result<Feed, serde_json::Error> {
        let newest = self.subscribe();
        // Looked at first: what comes in meanwhile is told twice rather than never.
        let newest = *newest.borrow();
        let since = after.unwrap_or_default();
        let content = self.read();
        let gate_keys = content.gate_keys.as_ref().filter(|keys| keys.revision > since);
        let key_sets = content.key_sets.iter().filter(|(_, set)| set.revision > since);
        Ok(Feed {
            cursor: format!("{}.{newest}", self.store),
            complete: after.is_none(),
            revocations: content.revocations.since(since).map(|kept| RevocationEntry::from(&kept.entry)).collect(),
            gate_keys: gate_keys.map(|keys| RawValue::from_string(keys.value.json.to_string())).transpose()?,
            key_sets: key_sets.map(|(name, set)| set.value.clone().named(name.clone())).collect(),
        })
    }
}
