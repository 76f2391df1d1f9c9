//! The agent's life: lease, carry out under heartbeats, tell the result, and again.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::backoff::{Backoff, insist};
use crate::gateway::{Gateway, LEASE_WAIT_SECONDS};
use crate::heart::{Progress, keep_alive};
use crate::wire::{Command, CommandResult, Heartbeat, Lease, Outcome};

/// An answer without a command before this comes from a token at its end or from a service at its end: asking again at
/// once would bring the same.
const EARLY: Duration = Duration::from_secs(LEASE_WAIT_SECONDS / 2);

/// How long the beginning is told again. Less than the 30 s of a lease, so that the last answer comes before its end.
const BEGIN_PATIENCE: Duration = Duration::from_secs(20);

/// How long a result is offered again. The service takes it as long as it has not ended the command itself, and that it
/// does within a second of the lease's end. Only a service that was away lets every lease stand for 30 s after its
/// return: what is beyond half a minute here is for its restart.
const RESULT_PATIENCE: Duration = Duration::from_secs(120);

/// Takes the commands of one service, one at a time.
#[derive(Debug)]
pub struct Agent {
    gateway: Gateway,
    service: String,
}

impl Agent {
    /// An agent for `service`; the gateway's token must name the same service as its subject.
    pub fn new(gateway: Gateway, service: impl Into<String>) -> Self {
        Self { gateway, service: service.into() }
    }

    /// Carries out commands until `end` resolves. A command that is under way then is finished first.
    pub async fn run<H, F>(&self, carry_out: H, end: impl Future<Output = ()>)
    where
        H: Fn(Command, Progress) -> F,
        F: Future<Output = Outcome>,
    {
        let mut end = pin!(end);
        let mut backoff = Backoff::new();
        loop {
            let asked = Instant::now();
            let leased = tokio::select! {
                () = &mut end => return,
                leased = self.gateway.lease(&self.service) => leased,
            };
            match leased {
                Ok(Some(lease)) => {
                    backoff.reset();
                    self.work(lease, &carry_out).await;
                    continue;
                }
                Ok(None) if asked.elapsed() >= EARLY => {
                    backoff.reset();
                    continue;
                }
                Ok(None) => tracing::debug!(service = self.service, "sent away early"),
                Err(error) => tracing::warn!(service = self.service, %error, "no command could be leased"),
            }
            tokio::select! {
                () = &mut end => return,
                () = sleep(backoff.wait()) => {}
            }
        }
    }

    async fn work<H, F>(&self, Lease { mut command, fence }: Lease, carry_out: &H)
    where
        H: Fn(Command, Progress) -> F,
        F: Future<Output = Outcome>,
    {
        command.fence = fence;
        let id = command.id.clone();
        let beat = |progress| self.gateway.heartbeat(&id, Heartbeat { fence, progress });
        let begun = Instant::now();
        // Nothing is begun before the service is known to know: a lease that was lost on the way is given again. A
        // beginning that arrived and was never answered is not; the service abandons the command, so it is told anew.
        let confirmed = match insist(BEGIN_PATIENCE, || beat(None)).await {
            Ok(sent) => sent,
            Err(error) => {
                tracing::warn!(command = id, %error, "the command was not begun");
                return;
            }
        };
        // The service counts from the first heartbeat that arrived, of which the answer may have been lost.
        let allowed = Duration::from_secs(command.timeout_seconds).saturating_sub(begun.elapsed());
        let (newest, reports) = watch::channel(None);
        let (working, ended) = oneshot::channel();
        let mut heart = pin!(keep_alive(beat, confirmed, reports, ended));
        let outcome = tokio::select! {
            outcome = within(allowed, carry_out(command, Progress::new(newest))) => outcome,
            () = &mut heart => {
                tracing::warn!(command = id, "the lease was lost; the work was stopped");
                return;
            }
        };
        // A heartbeat that is under way is finished first, lest it and the result change the command at once.
        drop(working);
        heart.await;
        self.tell(&id, CommandResult::new(fence, outcome)).await;
    }

    async fn tell(&self, id: &str, result: CommandResult) {
        if let Err(error) = insist(RESULT_PATIENCE, || self.gateway.result(id, &result)).await {
            tracing::error!(command = id, %error, "the result was not taken");
        }
    }
}

async fn within(allowed: Duration, work: impl Future<Output = Outcome>) -> Outcome {
    timeout(allowed, work)
        .await
        .unwrap_or_else(|_| Outcome::Failed("stopped: it took longer than its runbook allows".to_owned()))
}

#[cfg(test)]
mod tests;
