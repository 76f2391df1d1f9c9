//! Signs of life while a command is carried out, with the newest progress in them.

use std::future::{Future, pending};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::gateway::AgentError;
use crate::wire::ProgressReport;

/// How long the service lets a lease stand after a heartbeat.
const LEASE: Duration = Duration::from_secs(30);

/// A third of a lease: with [`AGAIN_AFTER`] and the time a call may take, three attempts fit into one.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);

/// When a heartbeat that did not arrive is followed by the next.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Reports may come in a flood; the gateway gets one a second.
const REST: Duration = Duration::from_secs(1);

/// Says how far a command has come. The newest report goes out with the next heartbeat, or at once when none has gone
/// out for a second.
#[derive(Clone, Debug)]
pub struct Progress {
    newest: watch::Sender<Option<ProgressReport>>,
}

impl Progress {
    pub(crate) fn new(newest: watch::Sender<Option<ProgressReport>>) -> Self {
        Self { newest }
    }

    /// `percent` from 0 to 100, and a line for whoever watches, of which the first 1,000 bytes are kept.
    pub fn report(&self, percent: u8, line: impl Into<String>) {
        self.newest.send_replace(Some(ProgressReport::new(percent, line.into())));
    }
}

/// Beats until the work has ended, or until the lease is lost: somebody says so, or none has arrived since `confirmed`
/// for as long as a lease stands. A heartbeat that was begun when the work ends is finished.
pub(crate) async fn keep_alive<B, F>(
    beat: B,
    mut confirmed: Instant,
    mut reports: watch::Receiver<Option<ProgressReport>>,
    mut ended: oneshot::Receiver<()>,
) where
    B: Fn(Option<ProgressReport>) -> F,
    F: Future<Output = Result<(), AgentError>>,
{
    let mut rest = Duration::ZERO;
    let mut pause = HEARTBEAT_EVERY;
    loop {
        tokio::select! {
            _ = &mut ended => return,
            () = sleep(left(confirmed)) => return,
            () = next_beat(&mut reports, rest, pause) => {}
        }
        let sent = Instant::now();
        let progress = reports.borrow_and_update().clone();
        match timeout(left(confirmed), beat(progress)).await {
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

/// Returns after `pause`, or after `rest` when there is something to report.
async fn next_beat(reports: &mut watch::Receiver<Option<ProgressReport>>, rest: Duration, pause: Duration) {
    sleep(rest).await;
    let reported = async {
        if reports.changed().await.is_err() {
            // Nobody can report any more.
            pending::<()>().await;
        }
    };
    // Time or a report, the next step is the same.
    let _ = timeout(pause.saturating_sub(rest), reported).await;
}

#[cfg(test)]
mod tests;
