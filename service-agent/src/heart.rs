//! Signs of life while a command is carried out, with the newest of what the work has said in them.

use std::future::{Future, pending};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::gateway::AgentError;
use crate::wire::Said;

/// How long the service lets a lease stand after a heartbeat.
const LEASE: Duration = Duration::from_secs(30);

/// A third of a lease: with [`AGAIN_AFTER`] and the time a call may take, three attempts fit into one.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);

/// When a heartbeat that did not arrive is followed by the next.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Reports may come in a flood; the gateway gets one a second.
const REST: Duration = Duration::from_secs(1);

/// Beats until the work has ended, or until the lease is lost: somebody says so, or none has arrived since `confirmed`
/// for as long as a lease stands. A heartbeat that was begun when the work ends is finished.
pub(crate) async fn keep_alive<B, F>(
    beat: B,
    mut confirmed: Instant,
    mut said: watch::Receiver<Said>,
    mut ended: oneshot::Receiver<()>,
) where
    B: Fn(Said) -> F,
    F: Future<Output = Result<(), AgentError>>,
{
    let mut rest = Duration::ZERO;
    let mut pause = HEARTBEAT_EVERY;
    loop {
        tokio::select! {
            _ = &mut ended => return,
            () = sleep(left(confirmed)) => return,
            () = next_beat(&mut said, rest, pause) => {}
        }
        let sent = Instant::now();
        let newest = said.borrow_and_update().clone();
        match timeout(left(confirmed), beat(newest)).await {
            Ok(Ok(())) => (confirmed, pause) = (sent, HEARTBEAT_EVERY),
            Ok(Err(AgentError::LeaseLost)) | Err(_) => return,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a heartbeat did not arrive");
                pause = AGAIN_AFTER;
            }
        }
        rest = REST;
    }
}

fn left(confirmed: Instant) -> Duration {
    LEASE.saturating_sub(confirmed.elapsed())
}

/// Returns after `pause`, or after `rest` when there is something to say.
async fn next_beat(said: &mut watch::Receiver<Said>, rest: Duration, pause: Duration) {
    sleep(rest).await;
    let more = async {
        if said.changed().await.is_err() {
            // Nobody can say anything any more.
            pending::<()>().await;
        }
    };
    // Time or a word, the next step is the same.
    let _ = timeout(pause.saturating_sub(rest), more).await;
}

#[cfg(test)]
mod tests;
