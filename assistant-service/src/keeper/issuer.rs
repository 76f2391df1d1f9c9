//! One issuer's task: fetches its keys when they are due or when a gate wishes for them, within the allowance.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::allowance::{Allowance, Backoff, jittered};
use super::config::IssuerConfig;
use super::key_sets::{KeySets, NotTaken};
use super::provider::{CannotFetch, Provider};
use super::wall::now;
use crate::clock::Clock;

/// The longest wait after a failure.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// What the task works with.
pub(super) struct IssuerTask {
    pub(super) config: IssuerConfig,
    pub(super) provider: Provider,
    pub(super) key_sets: Arc<KeySets>,
    pub(super) clock: Arc<dyn Clock>,
    /// A gate has seen a key that it does not know.
    pub(super) wish: Arc<Notify>,
    /// There is something new for the head.
    pub(super) changed: Arc<Notify>,
}

impl IssuerTask {
    /// Goes on for ever. The first fetch is due at once.
    pub(super) async fn run(mut self) {
        let mut allowance = Allowance::default();
        let mut backoff = Backoff::new();
        let mut wait = Duration::ZERO;
        loop {
            tokio::select! {
                () = sleep(wait) => {}
                () = self.wish.notified() => {}
            }
            allowance.take().await;
            // Whoever wished until now is served by this fetch.
            let _ = self.wish.notified().now_or_never();
            wait = match self.refresh().await {
                Ok(fresh_for) => {
                    backoff.reset();
                    jittered(fresh_for)
                }
                Err(error) => {
                    let issuer = &self.config.issuer;
                    tracing::warn!(issuer, error = %Chain(&error), "an issuer's keys cannot be fetched; the last ones are kept");
                    backoff.wait(LONGEST_WAIT)
                }
            };
        }
    }

    async fn refresh(&mut self) -> Result<Duration, CannotRefresh> {
        let began = (now(&*self.clock), Instant::now());
        let fetched = self.provider.fetch().await?;
        let (key_sets, name) = (Arc::clone(&self.key_sets), self.config.file.clone());
        let taken = tokio::task::spawn_blocking(move || key_sets.take_fetched(&name, &fetched.jwks, began));
        match taken.await.map_err(|_| CannotRefresh::Ended)? {
            // Another host's keeper was faster.
            Ok(()) | Err(NotTaken::Older) => {}
            Err(error) => return Err(error.into()),
        }
        self.changed.notify_one();
        tracing::debug!(issuer = self.config.issuer, "an issuer's keys are fetched");
        Ok(fetched.fresh_for)
    }
}

/// Why an issuer's keys stay as they were.
#[derive(Debug, thiserror::Error)]
enum CannotRefresh {
    #[error(transparent)]
    Fetch(#[from] CannotFetch),
    #[error(transparent)]
    Take(#[from] NotTaken),
    #[error("the keeper ends")]
    Ended,
}

/// An error with its causes, in one line.
pub(super) struct Chain<'a>(pub(super) &'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(next) = cause {
            write!(formatter, ": {next}")?;
            cause = next.source();
        }
        Ok(())
    }
}
