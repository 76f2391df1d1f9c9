//! Follows the log for as long as the service runs, wherever no other replica does, from the first samples on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use diagnosis::batch::EVENT_TYPE;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::following::follow;
use super::interrupted::Interrupted;
use super::place::KeptPlace;
use crate::backbone::{Backbone, BackboneError, EventFilter, Freshness, Position, TypeFilter};
use crate::replica_lease::{Held, ReplicaLease};
use crate::state::AppState;

const LEASE: &str = "incidents.lease";

const AFTER_A_FAILURE: Duration = Duration::from_secs(1);

/// Between two looks whether there are samples at all.
const FIRST_LOOK_PAUSE: Duration = Duration::from_millis(100);

/// Follows the log while this replica holds the lease, and gives it back when the service ends. Where no device has ever sent
/// anything, nothing is written.
pub(crate) async fn diagnose_for_ever(state: AppState) {
    tokio::select! {
        () = first_samples_are_there(&state) => {}
        () = state.ended() => return,
    }
    let lease = Arc::new(lease(&state));
    lease.do_while_held(&Diagnosing { state: state.clone(), lease: Arc::clone(&lease) }, state.ended()).await;
}

/// This replica's part in the lease under which the log is followed.
pub(super) fn lease(state: &AppState) -> ReplicaLease {
    ReplicaLease::new(Arc::clone(&state.backbone), LEASE, Arc::clone(&state.clock))
}

struct Diagnosing {
    state: AppState,
    lease: Arc<ReplicaLease>,
}

impl Held for Diagnosing {
    const WHAT: &'static str = "diagnosis";

    fn begin(&self, following: &mut JoinSet<Infallible>) {
        following.spawn(follow_for_ever(self.state.clone(), Arc::clone(&self.lease)));
    }

    fn forget(&self) {
        self.state.metrics.incidents.forget();
    }
}

async fn follow_for_ever(state: AppState, lease: Arc<ReplicaLease>) -> Infallible {
    loop {
        let Err(interrupted) = follow(&state, &lease).await;
        match interrupted {
            // Another replica has gone on; the lease will say so.
            Interrupted::Store(BackboneError::Conflict { .. }) => {}
            interrupted => tracing::error!(error = %interrupted, "diagnosis is interrupted"),
        }
        sleep(AFTER_A_FAILURE).await;
    }
}

async fn first_samples_are_there(state: &AppState) {
    let mut newest = state.backbone.newest_position();
    loop {
        newest.mark_unchanged();
        match are_there(&*state.backbone).await {
            Ok(true) => return,
            Ok(false) => {
                // Its sender is gone only when the service ends.
                let _ = newest.changed().await;
                sleep(FIRST_LOOK_PAUSE).await;
            }
            Err(error) => {
                tracing::error!(%error, "whether there are samples could not be found out");
                sleep(AFTER_A_FAILURE).await;
            }
        }
    }
}

async fn are_there(backbone: &dyn Backbone) -> Result<bool, Interrupted> {
    Ok(KeptPlace::is_there(backbone).await? || first_samples(backbone).await?.is_some())
}

/// Where the oldest event with samples stands that is kept.
pub(super) async fn first_samples(backbone: &dyn Backbone) -> Result<Option<Position>, Interrupted> {
    let mut after = None;
    loop {
        let filter = EventFilter {
            event_type: Some(TypeFilter::Exact(EVENT_TYPE.to_owned())),
            after,
            limit: 1,
            freshness: Freshness::Known,
            ..EventFilter::default()
        };
        let page = backbone.query(filter).await?;
        match (page.events.first(), page.next_after) {
            (Some(event), _) => return Ok(Some(event.position)),
            (None, Some(next)) => after = Some(next),
            (None, None) => return Ok(None),
        }
    }
}
