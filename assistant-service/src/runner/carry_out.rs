//! A command from its check to its end: the steps, then whether they worked, and back again where they did not.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::call::Call;
use super::journal::{Journal, Phase, Said, Trail};
use super::kinds::Kinds;
use super::metrics::Metrics;
use super::step::{EndedBy, StepContext, StepFailure, StepResult};
use super::work::{Ending, Telling, Work};
use crate::runbooks::{RunbookCatalogue, Step};

/// Between the end that a step is given and the one that it cannot put off: what ends by itself ends in order. Whoever
/// asked for a stop waits longer than the runbook's time does.
const GRACE_AT_STOP: Duration = Duration::from_secs(30);
const GRACE_AT_TIME: Duration = Duration::from_secs(4);

/// What a result holds of one step: the service takes 64 KiB of all of them.
const MAX_WHAT_BYTES: usize = 1000;

/// What carries commands out.
pub(super) struct Runner {
    pub(super) catalogue: Arc<dyn RunbookCatalogue>,
    pub(super) kinds: Kinds,
    pub(super) journal: Journal,
    pub(super) metrics: Metrics,
}

/// What became of one step, as the command's result tells it.
#[derive(Debug, Serialize)]
struct Told {
    phase: Phase,
    name: String,
    kind: &'static str,
    outcome: String,
    what: String,
}

/// How a phase ended.
enum PhaseEnd {
    Done,
    Failed(String),
    Stopped(String),
}

/// A command on its way.
struct Under<'a> {
    runner: &'a Runner,
    call: &'a Call,
    trail: &'a Trail,
    telling: &'a dyn Telling,
    told: Vec<Told>,
    /// Whether anything was begun that could have to be undone.
    has_begun: bool,
}

impl Runner {
    /// What it has counted, in OpenMetrics' text form.
    pub(super) fn metrics_text(&self) -> Result<String, std::fmt::Error> {
        self.metrics.text(self.catalogue.list().len())
    }

    /// Carries a command out. What it says at the end is in the journal before it is told.
    pub(super) async fn carry_out(&self, work: &Work, telling: &dyn Telling) -> Ending {
        let in_hand = self.metrics.leased();
        let (call, trail) = match self.begin(work).await {
            Ok(begun) => begun,
            Err(why) => {
                in_hand.refused();
                return Ending::Failed(why);
            }
        };
        let under = Under { runner: self, call: &call, trail: &trail, telling, told: Vec::new(), has_begun: false };
        let ending = under.run().await;
        if let Err(error) = trail.ended(&ending).await {
            tracing::error!(command = work.id, %error, "the end of a command cannot be written into the journal");
        }
        in_hand.ended(&ending);
        ending
    }

    /// What can be carried out, and is written down. A refusal is a sentence for whoever asked.
    async fn begin(&self, work: &Work) -> Result<(Call, Trail), String> {
        let call = Call::check(&*self.catalogue, work).map_err(|why| format!("refused: {why}"))?;
        let unwritten = |error| format!("not begun: the runner's journal cannot be written: {error}");
        let trail = Trail::begin(&self.journal, work).await.map_err(unwritten)?;
        Ok((call, trail))
    }
}

impl Under<'_> {
    async fn run(mut self) -> Ending {
        let runbook = Arc::clone(&self.call.runbook);
        let mut end = self.phase(Phase::Steps, &runbook.steps).await;
        if matches!(end, PhaseEnd::Done) && !self.call.dry_run && !runbook.verify.is_empty() {
            self.telling.verifying();
            end = match self.phase(Phase::Verify, &runbook.verify).await {
                PhaseEnd::Failed(why) => PhaseEnd::Failed(format!("the steps were done, but did not hold: {why}")),
                other => other,
            };
        }
        let why = match &end {
            PhaseEnd::Done => return Ending::Succeeded(json!({"steps": self.told})),
            PhaseEnd::Failed(why) | PhaseEnd::Stopped(why) => why.clone(),
        };
        let back = self.back(&runbook.rollback).await;
        let message = format!("{why}; {back}");
        match end {
            PhaseEnd::Stopped(_) => Ending::Canceled(message),
            _ => Ending::Failed(message),
        }
    }

    /// Undoes what was done, and says how that went.
    async fn back(&mut self, rollback: &[Step]) -> String {
        if self.call.dry_run || !self.has_begun {
            return "nothing was changed".to_owned();
        }
        if rollback.is_empty() {
            return "nothing was undone: the runbook has no rollback".to_owned();
        }
        self.telling.rolling_back();
        match self.phase(Phase::Rollback, rollback).await {
            PhaseEnd::Done => "it was rolled back".to_owned(),
            PhaseEnd::Failed(why) | PhaseEnd::Stopped(why) => format!("the rollback failed: {why}"),
        }
    }

    async fn phase(&mut self, phase: Phase, steps: &[Step]) -> PhaseEnd {
        let (ending, end) = watch::channel(None);
        let telling = self.telling;
        let now = Instant::now();
        let deadline = now.checked_add(self.call.phase).unwrap_or(now);
        let watcher = async {
            // What undoes is not stopped by who asked for the undoing.
            let stopped = async {
                if phase == Phase::Rollback { std::future::pending().await } else { telling.stop_asked().await }
            };
            let why = tokio::select! {
                () = stopped => EndedBy::Stop,
                () = sleep_until(deadline) => EndedBy::Time,
            };
            ending.send_replace(Some(why));
            match why {
                EndedBy::Stop => tokio::time::sleep(GRACE_AT_STOP).await,
                EndedBy::Time => tokio::time::sleep(GRACE_AT_TIME).await,
            }
            why
        };
        tokio::select! {
            ended = self.steps(phase, steps, end, deadline) => ended,
            why = watcher => {
                let what = format!("{}, and a step did not end when it was told to", EndedBy::to_string(&why));
                if why == EndedBy::Stop { PhaseEnd::Stopped(what) } else { PhaseEnd::Failed(what) }
            }
        }
    }

    async fn steps(
        &mut self,
        phase: Phase,
        steps: &[Step],
        end: watch::Receiver<Option<EndedBy>>,
        deadline: Instant,
    ) -> PhaseEnd {
        for (index, step) in steps.iter().enumerate() {
            let number = index.saturating_add(1);
            let before = *end.borrow();
            let outcome = match before {
                Some(why) => Err(StepFailure::Ended(why)),
                None => {
                    let percent = index.saturating_mul(100).checked_div(steps.len()).unwrap_or_default();
                    let line = format!("{} {number} of {}: {}", said(phase), steps.len(), step.name);
                    self.telling.report(u8::try_from(percent).unwrap_or(100), &line);
                    self.step(phase, number, step, (end.clone(), deadline)).await
                }
            };
            let (word, what) = (word(&outcome), what(&outcome));
            self.telling.output(&format!("{} {number}, {}: {word}: {what}\n", said(phase), step.name));
            let shown = what.get(..what.floor_char_boundary(MAX_WHAT_BYTES)).unwrap_or_default().to_owned();
            let name = step.name.clone();
            self.told.push(Told { phase, name, kind: step.action.kind(), outcome: word.to_owned(), what: shown });
            if outcome.is_ok() {
                continue;
            }
            let why = format!("{} {number} ({}) {what}", said(phase), step.name);
            // A step that ends in its own way after somebody asked for it has still been stopped.
            let was_stopped = *end.borrow() == Some(EndedBy::Stop);
            return if was_stopped { PhaseEnd::Stopped(why) } else { PhaseEnd::Failed(why) };
        }
        PhaseEnd::Done
    }

    /// One step; it is on disk before it begins, and what became of it before the next does.
    async fn step(
        &mut self,
        phase: Phase,
        number: usize,
        step: &Step,
        (end, deadline): (watch::Receiver<Option<EndedBy>>, Instant),
    ) -> StepResult {
        let unwritten = |error| StepFailure::Refused(format!("the runner's journal cannot be written: {error}"));
        let trail = self.trail.step(phase, number, step.action.kind(), &step.name).await.map_err(unwritten)?;
        let context = StepContext { telling: self.telling, trail: &trail, dry_run: self.call.dry_run, end, deadline };
        let begun = self.runner.metrics.begun(step.action.kind());
        let outcome = self.runner.kinds.carry_out(self.call, &step.action, &context).await;
        begun.ended(word(&outcome));
        self.has_begun |= !matches!(outcome, Err(StepFailure::Refused(_)));
        let said = Said { outcome: word(&outcome).to_owned(), what: what(&outcome) };
        if let Err(error) = trail.done(said).await {
            // The step has happened; the next one must not, since nobody could tell of it.
            return Err(StepFailure::Failed(format!("the runner's journal cannot be written any more: {error}")));
        }
        outcome
    }
}

/// What became of a step, in one word.
fn word(outcome: &StepResult) -> &'static str {
    outcome.as_ref().map_or_else(StepFailure::word, |_| "succeeded")
}

/// The same in one sentence.
fn what(outcome: &StepResult) -> String {
    outcome.as_ref().map_or_else(ToString::to_string, Clone::clone)
}

fn said(phase: Phase) -> &'static str {
    match phase {
        Phase::Steps => "step",
        Phase::Verify => "check",
        Phase::Rollback => "undoing",
    }
}
