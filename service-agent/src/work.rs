//! One command, from its lease to its result: begun when the service knows of it, kept alive by heartbeats, stopped when the
//! lease is lost.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until};

use crate::backoff::insist;
use crate::gateway::Gateway;
use crate::heart::keep_alive;
use crate::output::{Output, send_on};
use crate::progress::Progress;
use crate::wire::{Command, CommandResult, Heartbeat, Lease, Outcome, OutputPiece, Phase, Said};

/// How long the beginning is told again. Less than the 30 s of a lease, so that the last answer comes before its end.
const BEGIN_PATIENCE: Duration = Duration::from_secs(20);

/// How long a result is offered again. The service takes it as long as it has not ended the command itself, and that it
/// does within a second of the lease's end. Only a service that was away lets every lease stand for 30 s after its
/// return: what is beyond half a minute here is for its restart.
const RESULT_PATIENCE: Duration = Duration::from_secs(120);

/// How commands are carried out.
pub(crate) struct Work<'agent, H> {
    pub(crate) gateway: &'agent Gateway,
    pub(crate) has_dry_run: bool,
    pub(crate) carry_out: &'agent H,
    /// Becomes `true` when nothing more may be carried out.
    pub(crate) over: watch::Receiver<bool>,
}

impl<H, F> Work<'_, H>
where
    H: Fn(Command, Progress) -> F,
    F: Future<Output = Outcome>,
{
    pub(crate) async fn carry_out(&self, Lease { mut command, fence }: Lease) {
        command.fence = fence;
        let gateway = &self.gateway.in_trace(command.traceparent.as_deref());
        let id = command.id.clone();
        let (stop, stop_asked) = watch::channel(false);
        let beat = |said| {
            let (id, stop) = (&id, &stop);
            async move {
                if gateway.heartbeat(id, Heartbeat { fence, said }).await?.stop {
                    stop.send_replace(true);
                }
                Ok(())
            }
        };
        let begun = Instant::now();
        // Nothing is begun before the service is known to know: a lease that was lost on the way is given again. A
        // beginning that arrived and was never answered is not; the service abandons the command, so it is told anew.
        let confirmed = match insist(BEGIN_PATIENCE, || beat(Said::default())).await {
            Ok(sent) => sent,
            Err(error) => {
                tracing::warn!(command = id, %error, "the command was not begun");
                return;
            }
        };
        let (newest, said) = watch::channel(Said::default());
        let (working, ended) = oneshot::channel();
        let (at_work, has_ended) = watch::channel(false);
        let output = Arc::new(Output::default());
        let progress = Progress::new(newest, Arc::clone(&output), stop_asked);
        let send = |offset, text| gateway.output(&id, OutputPiece { fence, offset, text });
        let mut sending = pin!(send_on(&output, send, has_ended));
        let mut heart = pin!(keep_alive(beat, confirmed, said.clone(), ended));
        let outcome = tokio::select! {
            outcome = self.outcome(command, progress, (begun, said)) => Some(outcome),
            // They come to an end of their own only when the lease is lost.
            _ = &mut sending => None,
            () = &mut heart => None,
        };
        // All of the output is there before the result.
        let outcome = match outcome {
            Some(outcome) => {
                at_work.send_replace(true);
                tokio::select! {
                    sent = &mut sending => sent.ok().map(|()| outcome),
                    () = &mut heart => None,
                }
            }
            None => None,
        };
        let Some(outcome) = outcome else {
            tracing::warn!(command = id, "the lease was lost; the work was stopped");
            return;
        };
        // A heartbeat that is under way is finished first, lest it and the result change the command at once.
        drop(working);
        heart.await;
        let result = CommandResult::new(fence, outcome);
        if let Err(error) = insist(RESULT_PATIENCE, || gateway.result(&id, &result)).await {
            tracing::error!(command = id, %error, "the result was not taken");
        }
    }

    /// What comes of the command: by itself, by the end of its time, or by the agent's own end.
    async fn outcome(&self, command: Command, progress: Progress, clock: (Instant, watch::Receiver<Said>)) -> Outcome {
        if command.dry_run && !self.has_dry_run {
            return Outcome::Failed("this service has no dry run".to_owned());
        }
        let allowed = Duration::from_secs(command.timeout_seconds);
        let mut over = self.over.clone();
        let is_over = async move {
            if over.wait_for(|is_over| *is_over).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            outcome = (self.carry_out)(command, progress) => outcome,
            () = time_over(allowed, clock) => {
                Outcome::Failed("stopped: it took longer than its runbook allows".to_owned())
            }
            () = is_over => Outcome::Failed("stopped: the service ended".to_owned()),
        }
    }
}

/// Returns when a phase has lasted for longer than `allowed`. The service counts from the first heartbeat that arrived, of
/// which the answer may have been lost, so it is counted from the first that was sent; and anew with each phase.
async fn time_over(allowed: Duration, (mut begun, mut said): (Instant, watch::Receiver<Said>)) {
    let mut phase = None;
    loop {
        // A time that no clock reaches never comes.
        let Some(end) = begun.checked_add(allowed) else { return std::future::pending().await };
        tokio::select! {
            () = sleep_until(end) => return,
            later = next_phase(&mut said, phase) => (phase, begun) = (later, Instant::now()),
        }
    }
}

async fn next_phase(said: &mut watch::Receiver<Said>, phase: Option<Phase>) -> Option<Phase> {
    match said.wait_for(|said| said.phase > phase).await.map(|said| said.phase) {
        Ok(later) => later,
        // Nobody can begin another.
        Err(_) => std::future::pending().await,
    }
}
