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
use super::watch::Watch;
use crate::backbone::BackboneError;
use crate::replica_lease::{Held, ReplicaLease};
use crate::state::AppState;

pub(super) const LEASE: &str = "insights.lease";

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
    let lease = ReplicaLease::new(Arc::clone(&state.backbone), LEASE, Arc::clone(&state.clock));
    lease
        .do_while_held(&Watching { state: state.clone(), seats: Arc::new(Semaphore::new(AT_ONCE)) }, state.ended())
        .await;
}

/// Every watch, by this replica.
struct Watching {
    state: AppState,
    seats: Arc<Semaphore>,
}

impl Held for Watching {
    const WHAT: &'static str = "watching";

    fn begin(&self, following: &mut JoinSet<Infallible>) {
        for watch in self.state.watches.all() {
            following.spawn(follow_for_ever(self.state.clone(), Arc::clone(watch), Arc::clone(&self.seats)));
        }
    }

    fn forget(&self) {
        self.state.metrics.insights.forget();
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
