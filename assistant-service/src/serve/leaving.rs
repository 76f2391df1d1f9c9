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

/// Answers on this address whether the service is alive and ready, where there is one, until what comes of this is dropped: also while
/// the service drains.
pub(super) async fn tell_of_health(address: Option<Loopback>, state: &AppState) -> anyhow::Result<JoinSet<()>> {
    let mut answering = JoinSet::new();
    let Some(address) = address else { return Ok(answering) };
    let listening = Listening::on(address).await.context("cannot listen for --health-listen; choose a free address")?;
    writeln!(std::io::stdout(), "watchgate: health on http://{}/readyz", listening.address()?)?;
    let routes = health::routes(state.clone());
    answering.spawn(async move {
        if let Err(error) = listening.answer(routes).await {
            tracing::error!(%error, "nobody is told of health any more");
        }
    });
    Ok(answering)
}

/// Returns when the listener is to close: so long after the first signal, or with the second one.
pub(super) async fn drained(mut signals: BoxStream<'static, ()>, readiness: Arc<Readiness>, drain: Duration) {
    signals.next().await;
    readiness.leave();
    if !drain.is_zero() {
        tracing::info!(seconds = drain.as_secs(), "draining: not ready any more, and what comes is still answered");
        let _ = tokio::time::timeout(drain, signals.next()).await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::time::Instant;

    use super::*;

    /// After how long the listener closes, when signals come at these seconds.
    async fn closes_after(drain_seconds: u64, signals: &[u64]) -> u64 {
        let begun = Instant::now();
        let signals = stream::iter(signals.to_vec())
            .then(move |second| tokio::time::sleep_until(begun + Duration::from_secs(second)))
            .chain(stream::pending())
            .boxed();
        drained(signals, Arc::default(), Duration::from_secs(drain_seconds)).await;
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn the_listener_closes_after_the_drain_or_with_the_second_signal() {
        assert_eq!(closes_after(0, &[3]).await, 3);
        assert_eq!(closes_after(8, &[3]).await, 11);
        assert_eq!(closes_after(8, &[3, 5]).await, 5);
    }
}
