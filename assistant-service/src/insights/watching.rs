//! Watches for as long as the service runs, wherever no other replica does.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::asking::AT_ONCE;
use super::book::{Book, Interrupted};
use super::following::follow;
use super::lease::{BEAT, Lease};
use super::watch::Watch;
use crate::backbone::BackboneError;
use crate::state::AppState;

const AFTER_A_FAILURE: Duration = Duration::from_secs(1);

/// Has every watch begin here at the latest: what comes in after this is looked at, whenever that may be.
pub(crate) async fn begin(state: &AppState) -> anyhow::Result<()> {
    for watch in state.watches.all() {
        Book::begin(&*state.backbone, watch).await?;
    }
    Ok(())
}

/// Follows the log for every watch while this replica holds the lease, and gives it back when the service ends.
pub(crate) async fn watch_for_ever(state: AppState) {
    if state.watches.count() == 0 {
        return;
    }
    let lease = Lease::new(Arc::clone(&state.backbone), Arc::clone(&state.clock));
    let mut following = JoinSet::new();
    tokio::select! {
        () = hold_for_ever(&state, &lease, &mut following) => {}
        () = state.ended() => {}
    }
    following.shutdown().await;
    if let Err(error) = lease.release().await {
        tracing::warn!(%error, "the next replica waits a moment before it watches");
    }
}

async fn hold_for_ever(state: &AppState, lease: &Lease, following: &mut JoinSet<Infallible>) {
    let seats = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let is_held = lease.hold().await.unwrap_or_else(|error| {
            tracing::error!(%error, "who watches could not be found out");
            false
        });
        if let Some(Err(error)) = following.try_join_next() {
            // Only a mistake of ours ends one of them; all begin anew, so that none stays behind unseen.
            tracing::error!(%error, "a watch ended");
            following.shutdown().await;
        }
        if !is_held && !following.is_empty() {
            tracing::warn!("another replica watches");
            following.shutdown().await;
            state.metrics.insights.forget();
        }
        if is_held && following.is_empty() {
            tracing::info!(watches = state.watches.count(), "this replica watches");
            for watch in state.watches.all() {
                following.spawn(follow_for_ever(state.clone(), Arc::clone(watch), Arc::clone(&seats)));
            }
        }
        sleep(BEAT).await;
    }
}

async fn follow_for_ever(state: AppState, watch: Arc<Watch>, seats: Arc<Semaphore>) -> Infallible {
    loop {
        let Err(interrupted) = follow(&state, &watch, &seats).await;
        match interrupted {
            // Another replica has gone on; the lease will say so.
            Interrupted::Store(BackboneError::Conflict { .. }) => {}
            interrupted => tracing::error!(watch = watch.name, error = %interrupted, "a watch is interrupted"),
        }
        sleep(AFTER_A_FAILURE).await;
    }
}
