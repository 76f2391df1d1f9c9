//! The runner as an agent: the wire's words on one side, the runner's own on the other. Nothing else here knows the agent.

use std::time::Duration;

use service_agent::{Agent, AgentError, Command, Outcome, Progress, TokenSource};

use super::SERVICE;
use super::carry_out::Runner;
use super::late::Truth;
use super::work::{Ending, StopAsked, Telling, Work};

/// As long as three phases of the longest runbook: a command that is under way is finished, for one that is dropped is neither
/// done nor undone. Whoever cannot wait kills the runner, and the next one tells what is known.
const TO_THE_END: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// The way to the service.
pub(super) struct Gateway(service_agent::Gateway);

impl Gateway {
    pub(super) fn connect(url: &str, token: TokenSource, authority: Option<&[u8]>) -> Result<Self, AgentError> {
        service_agent::Gateway::connect(url, token, authority).map(Self)
    }

    /// Takes commands until `end` resolves.
    pub(super) async fn serve(&self, runner: &Runner, end: impl Future<Output = ()>) {
        let carry_out = |command: Command, progress: Progress| async move {
            let work = Work {
                id: command.id,
                fence: command.fence,
                runbook: command.runbook,
                runbook_digest: command.runbook_digest,
                parameters: command.parameters,
                timeout_seconds: command.timeout_seconds,
                dry_run: command.dry_run,
                attempt: command.attempt,
            };
            outcome(runner.carry_out(&work, &Told(progress)).await)
        };
        Agent::new(self.0.clone(), SERVICE).with_dry_run().end_within(TO_THE_END).run(carry_out, end).await;
    }

    /// Whether it was heard: taken as the result, or kept as one that came too late.
    pub(super) async fn tell_late(&self, truth: &Truth) -> bool {
        let Truth { command, fence, ending } = truth;
        match self.0.late_result(command, *fence, outcome(ending.clone())).await {
            Ok(()) => true,
            Err(AgentError::LeaseLost) => {
                tracing::warn!(
                    command,
                    fence,
                    ?ending,
                    "a result was told too late; the service has kept it beside the command"
                );
                true
            }
            // Nobody knows the command any more.
            Err(AgentError::Refused(403 | 404 | 410)) => {
                tracing::error!(command, fence, ?ending, "a late result is of no command that the service knows");
                true
            }
            Err(error) => {
                tracing::warn!(command, fence, %error, "a late result could not be told yet");
                false
            }
        }
    }
}

fn outcome(ending: Ending) -> Outcome {
    match ending {
        Ending::Succeeded(result) => Outcome::Succeeded(result),
        Ending::Failed(why) => Outcome::Failed(why),
        Ending::Canceled(why) => Outcome::Canceled(why),
    }
}

struct Told(Progress);

impl Telling for Told {
    fn report(&self, percent: u8, line: &str) {
        self.0.report(percent, line);
    }

    fn output(&self, text: &str) {
        self.0.output(text);
    }

    fn verifying(&self) {
        self.0.verifying();
    }

    fn rolling_back(&self) {
        self.0.rolling_back();
    }

    fn stop_asked(&self) -> StopAsked<'_> {
        Box::pin(self.0.stop_asked())
    }
}
