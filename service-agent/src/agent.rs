//! The agent's life: lease, carry out under heartbeats, tell the result, and again.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};

use crate::backoff::Backoff;
use crate::gateway::{AgentError, Gateway};
use crate::wire::{Command, CommandResult, Heartbeat, Lease, Outcome, ProgressReport};

/// A third of the 30 s that a lease lasts: two heartbeats may get lost.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);

/// How long a result is offered again while the gateway is away.
const RESULT_PATIENCE: Duration = Duration::from_secs(120);

/// Says how far a command has come. The newest report goes out with the next heartbeat, or at once when none has gone
/// out for a second.
#[derive(Clone, Debug)]
pub struct Progress {
    newest: watch::Sender<Option<ProgressReport>>,
}

impl Progress {
    /// `percent` from 0 to 100, and a line for whoever watches.
    pub fn report(&self, percent: u8, line: impl Into<String>) {
        self.newest.send_replace(Some(ProgressReport { percent: percent.min(100), line: line.into() }));
    }
}

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
        let mut backoff = Backoff::new(std::process::id());
        loop {
            let leased = tokio::select! {
                () = &mut end => return,
                leased = self.gateway.lease(&self.service) => leased,
            };
            match leased {
                Ok(lease) => {
                    backoff.reset();
                    if let Some(lease) = lease {
                        self.work(lease, &carry_out).await;
                    }
                }
                Err(error) => {
                    tracing::warn!(service = self.service, %error, "no command could be leased");
                    tokio::select! {
                        () = &mut end => return,
                        () = sleep(backoff.wait()) => {}
                    }
                }
            }
        }
    }

    async fn work<H, F>(&self, Lease { command, fence }: Lease, carry_out: &H)
    where
        H: Fn(Command, Progress) -> F,
        F: Future<Output = Outcome>,
    {
        let id = command.id.clone();
        // Nothing is begun before the service knows that it has begun: a lease that ended on the way is given again.
        if let Err(error) = self.gateway.heartbeat(&id, &Heartbeat { fence, progress: None }).await {
            tracing::warn!(command = id, %error, "the command was not begun");
            return;
        }
        let (newest, reports) = watch::channel(None);
        let deadline = Instant::now().checked_add(Duration::from_secs(command.timeout_seconds));
        let work = carry_out(command, Progress { newest });
        let outcome = tokio::select! {
            outcome = within(deadline, work) => outcome,
            () = self.keep_alive(&id, fence, reports) => {
                tracing::warn!(command = id, "the lease was lost; the work was stopped");
                return;
            }
        };
        self.tell(&id, CommandResult::new(fence, outcome)).await;
    }

    /// Ends only when the lease is lost.
    async fn keep_alive(&self, id: &str, fence: u64, mut reports: watch::Receiver<Option<ProgressReport>>) {
        let mut ticks = interval(HEARTBEAT_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        let mut is_reporting = true;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                changed = reports.changed(), if is_reporting => is_reporting = changed.is_ok(),
            }
            let progress = reports.borrow_and_update().clone();
            match self.gateway.heartbeat(id, &Heartbeat { fence, progress }).await {
                Err(AgentError::LeaseLost) => return,
                Err(error) => tracing::warn!(command = id, %error, "a heartbeat did not arrive"),
                Ok(()) => {}
            }
            // Reports may come in a flood; the gateway gets one a second.
            sleep(Duration::from_secs(1)).await;
        }
    }

    async fn tell(&self, id: &str, result: CommandResult) {
        let mut backoff = Backoff::new(std::process::id());
        let give_up = Instant::now().checked_add(RESULT_PATIENCE);
        loop {
            match self.gateway.result(id, &result).await {
                Ok(()) => return,
                Err(error) if error.may_pass() && give_up.is_none_or(|give_up| Instant::now() < give_up) => {
                    tracing::warn!(command = id, %error, "the result did not arrive; it is sent again");
                    sleep(backoff.wait()).await;
                }
                Err(error) => {
                    tracing::error!(command = id, %error, "the result was not taken");
                    return;
                }
            }
        }
    }
}

async fn within(deadline: Option<Instant>, work: impl Future<Output = Outcome>) -> Outcome {
    let Some(deadline) = deadline else { return work.await };
    timeout_at(deadline, work)
        .await
        .unwrap_or_else(|_| Outcome::Failed("stopped: it took longer than its runbook allows".to_owned()))
}
