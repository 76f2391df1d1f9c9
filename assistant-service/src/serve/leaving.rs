//! How a service that others send requests to goes without losing one: first it says so, then it closes.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::task::JoinSet;

use crate::health::{self, Readiness};
use crate::loopback::{Listening, Loopback};
use crate::state::AppState;

/// How long requests that are under way may still take when the service ends.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// Answers on this address whether the service is alive and ready, where there is one, until what comes of this is dropped: also while
/// the service drains.
pub(super) async fn tell_of_health(address: Option<Loopback>, state: &AppState) -> anyhow::Result<JoinSet<()>> {
    let mut answering = JoinSet::new();
    let Some(address) = address else { return Ok(answering) };
    let listening = Listening::on(address).await.context("cannot listen for --health-listen; choose a free address")?;
    writeln!(std::io::stdout(), "watchgate: health on http://{}/readyz", listening.address()?)?;
    let routes = health::routes(state.clone());
    answering.spawn(listening.answer(routes));
    Ok(answering)
}

/// Returns when the listener is to close: so long after the first signal. Then the service ends in order, unless somebody signals once more.
pub(super) async fn drained(
    signals: &mut BoxStream<'static, ()>,
    readiness: Arc<Readiness>,
    drain: Duration,
) -> Leaving {
    signals.next().await;
    readiness.leave();
    if drain.is_zero() {
        return Leaving::InOrder;
    }
    tracing::info!(seconds = drain.as_secs(), "draining: not ready any more, and what comes is still answered");
    match tokio::time::timeout(drain, signals.next()).await {
        Ok(_) => Leaving::AtOnce,
        Err(_) => Leaving::InOrder,
    }
}

/// Returns when what is under way has had its time, or with a further signal.
pub(super) async fn out_of_grace(signals: &mut BoxStream<'static, ()>) -> Leaving {
    match tokio::time::timeout(GRACE, signals.next()).await {
        Ok(_) => Leaving::AtOnce,
        Err(_) => Leaving::InOrder,
    }
}

/// How the service ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// What is under way may come to its end.
    InOrder,
    /// Somebody has said it twice: what is under way is cut off. The store is closed in order all the same.
    AtOnce,
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::time::Instant;

    use super::*;

    /// After how long the listener closes, when signals come at these seconds, and how the service then ends.
    async fn closes_after(drain_seconds: u64, seconds: &[u64]) -> (u64, Leaving) {
        let begun = Instant::now();
        let mut signals = stream::iter(seconds.to_vec())
            .then(move |second| tokio::time::sleep_until(begun + Duration::from_secs(second)))
            .chain(stream::pending())
            .boxed();
        let leaving = drained(&mut signals, Arc::default(), Duration::from_secs(drain_seconds)).await;
        (begun.elapsed().as_secs(), leaving)
    }

    #[tokio::test(start_paused = true)]
    async fn the_listener_closes_after_the_drain_or_at_once_with_the_second_signal() {
        assert_eq!(closes_after(0, &[3]).await, (3, Leaving::InOrder));
        assert_eq!(closes_after(8, &[3]).await, (11, Leaving::InOrder));
        assert_eq!(closes_after(8, &[3, 5]).await, (5, Leaving::AtOnce));
    }
}
