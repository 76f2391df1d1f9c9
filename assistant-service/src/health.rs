//! For whoever runs the service: is it alive, can it work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::backbone::{Backbone, BackboneError, Batch, Put, Standing};
use crate::problem::Problem;
use crate::state::AppState;

/// For how long a commit counts as a sign of life: whoever asks more often costs no more commits.
const FRESH_FOR: Duration = Duration::from_secs(5);

/// After a failure; a store that works again is to be told soon.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A store that takes longer is of no use to anybody who waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

const BUCKET: &str = "readiness";
const KEY: &str = "probe";

/// Whether there is work that this replica can do.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    /// What the last probe of the store found.
    last: Arc<std::sync::Mutex<Option<Found>>>,
    /// Locked as long as a probe is under way, so there is never a second one.
    probing: Arc<Mutex<()>>,
    is_leaving: AtomicBool,
}

#[derive(Clone, Copy, Debug)]
struct Found {
    at: Instant,
    is_ready: bool,
}

impl Found {
    fn is_fresh(self) -> bool {
        self.at.elapsed() < if self.is_ready { FRESH_FOR } else { AGAIN_AFTER }
    }

    /// A good finding is worth something for as long as whoever looks again may take.
    fn holds_while_another_looks(self) -> bool {
        self.is_ready && self.at.elapsed() < FRESH_FOR.saturating_add(PATIENCE)
    }
}

impl Readiness {
    /// From now on it is not ready, whatever it can do: whoever sends requests looks for another one.
    pub(crate) fn leave(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
    }

    /// Whether this replica stays, hears of the others, and the store takes changes or did so a moment ago.
    async fn is_ready(&self, backbone: &Arc<dyn Backbone>) -> bool {
        if self.is_leaving.load(Ordering::Relaxed) {
            return false;
        }
        if *backbone.standing().borrow() == Standing::Behind {
            // What it could do before it was cut off says nothing of what it can do after that.
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
            return false;
        }
        match self.last() {
            Some(found) if found.is_fresh() => found.is_ready,
            // Anybody may ask, and those who did would stand in a line with the gateway, whose question this is.
            Some(found) if found.holds_while_another_looks() && self.probing.try_lock().is_err() => true,
            _ => tokio::time::timeout(PATIENCE, self.look(Arc::clone(backbone))).await.unwrap_or(false),
        }
    }

    async fn look(&self, backbone: Arc<dyn Backbone>) -> bool {
        let probing = Arc::clone(&self.probing).lock_owned().await;
        if let Some(found) = self.last().filter(|found| found.is_fresh()) {
            return found.is_ready;
        }
        // A task of its own: whoever asked may go away, and the next one must not begin a second probe.
        let last = Arc::clone(&self.last);
        let probe = tokio::spawn(async move {
            let outcome = probe(&*backbone).await;
            if let Err(error) = &outcome {
                tracing::warn!(%error, "not ready: the store takes no changes");
            }
            let found = Found { at: Instant::now(), is_ready: outcome.is_ok() };
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
            drop(probing);
            outcome.is_ok()
        });
        probe.await.unwrap_or(false)
    }

    fn last(&self) -> Option<Found> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Commits something small: on a full disk an empty batch would pass.
async fn probe(backbone: &dyn Backbone) -> Result<(), BackboneError> {
    let expected_revision = backbone.get(BUCKET, KEY.to_owned()).await?.map(|entry| entry.revision);
    let put = Put { bucket: BUCKET, key: KEY.to_owned(), value: Some(Vec::new()), expected_revision, expires_at: None };
    match backbone.commit(Batch { events: Vec::new(), puts: vec![put] }).await {
        // Another replica's probe came between: the store took that one.
        Ok(_) | Err(BackboneError::Conflict { .. }) => Ok(()),
        // All replicas would be taken out at once, and those who only read with them; who has something to keep is told 507.
        Err(error @ BackboneError::Full) => {
            tracing::warn!(%error, "nothing new can be kept");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// The same two questions for whoever is on this host, where the main listener asks for a certificate.
pub(crate) fn routes(state: AppState) -> Router {
    let routes = Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz));
    routes.fallback(async || Problem::NotFound).with_state(state)
}

/// Says that the process answers.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = OK, description = "Alive")))]
pub(crate) async fn healthz() -> StatusCode {
    StatusCode::OK
}

/// Says whether the service has read its documents, knows what its replicas do, and its store takes changes.
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = OK, description = "Ready"),
    (status = SERVICE_UNAVAILABLE, description = "Not ready", body = crate::problem::ProblemDocument)))]
pub(crate) async fn readyz(State(state): State<AppState>) -> Result<StatusCode, Problem> {
    let is_ready = state.documents_are_read() && state.readiness.is_ready(&state.backbone).await;
    if is_ready { Ok(StatusCode::OK) } else { Err(Problem::NotReady) }
}

#[cfg(test)]
mod tests;
