//! The agent's life: lease, have carried out, and again; at its end, what is under way gets some time.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::backoff::Backoff;
use crate::gateway::{Gateway, LEASE_WAIT_SECONDS};
use crate::progress::Progress;
use crate::wire::{Command, Lease, Outcome};
use crate::work::Work;

/// An answer without a command before this comes from a token at its end or from a service at its end: asking again at
/// once would bring the same.
const EARLY: Duration = Duration::from_secs(LEASE_WAIT_SECONDS / 2);

/// Most supervisors kill 30 s after they have asked a process to end; the rest is for telling.
const END_WITHIN: Duration = Duration::from_secs(20);

/// Takes the commands of one service: one at a time, unless it is told otherwise.
#[derive(Debug)]
pub struct Agent {
    gateway: Gateway,
    service: String,
    at_once: usize,
    has_dry_run: bool,
    end_within: Duration,
}

impl Agent {
    /// An agent for `service`; the gateway's token must name the same service as its subject.
    pub fn new(gateway: Gateway, service: impl Into<String>) -> Self {
        Self { gateway, service: service.into(), at_once: 1, has_dry_run: false, end_within: END_WITHIN }
    }

    /// Carries out up to `commands` at once; 0 counts as 1.
    #[must_use]
    pub fn at_once(mut self, commands: usize) -> Self {
        self.at_once = commands.max(1);
        self
    }

    /// Hands dry runs to the handler as well, which looks at [`Command::dry_run`]. Without this a dry run fails at once,
    /// and the handler never sees it.
    #[must_use]
    pub fn with_dry_run(mut self) -> Self {
        self.has_dry_run = true;
        self
    }

    /// How long commands that are under way at the agent's end may take, 20 s if nothing is said. What is not done then is
    /// dropped and told as failed.
    #[must_use]
    pub fn end_within(mut self, patience: Duration) -> Self {
        self.end_within = patience;
        self
    }

    /// Carries out commands until `end` resolves, and then finishes those that are under way ([`Agent::end_within`]).
    pub async fn run<H, F>(&self, carry_out: H, end: impl Future<Output = ()>)
    where
        H: Fn(Command, Progress) -> F,
        F: Future<Output = Outcome>,
    {
        let mut end = pin!(end);
        let (ending, over) = watch::channel(false);
        let work = Work { gateway: &self.gateway, has_dry_run: self.has_dry_run, carry_out: &carry_out, over };
        let mut under_way = FuturesUnordered::new();
        let mut leasing = Box::pin(self.next_lease());
        loop {
            tokio::select! {
                () = &mut end => break,
                // The call goes on while commands end: one that was dropped could take a command with it.
                lease = &mut leasing, if under_way.len() < self.at_once => {
                    under_way.push(work.carry_out(lease));
                    leasing = Box::pin(self.next_lease());
                }
                Some(()) = under_way.next() => {}
            }
        }
        // Left open, it could be given a command that nobody would carry out.
        drop(leasing);
        let finished = async { while under_way.next().await.is_some() {} };
        let mut finished = pin!(finished);
        tokio::select! {
            () = &mut finished => return,
            () = sleep(self.end_within) => {}
        }
        ending.send_replace(true);
        finished.await;
    }

    async fn next_lease(&self) -> Lease {
        let mut backoff = Backoff::default();
        loop {
            let asked = Instant::now();
            match self.gateway.lease(&self.service).await {
                Ok(Some(lease)) => return lease,
                Ok(None) if asked.elapsed() >= EARLY => {
                    backoff.reset();
                    continue;
                }
                Ok(None) => tracing::debug!(service = self.service, "sent away early"),
                Err(error) => tracing::warn!(service = self.service, %error, "no command could be leased"),
            }
            sleep(backoff.wait()).await;
        }
    }
}

#[cfg(test)]
mod tests;
