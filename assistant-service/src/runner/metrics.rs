//! What a runner counts, in the text form that Prometheus reads. Labels are of closed sets: no command can make a new one up.

use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::work::Ending;

/// From a question to Podman to a playbook over many hosts.
const SECONDS: [f64; 10] = [0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0];

/// All counters, and the registry that writes them down.
pub(super) struct Metrics {
    registry: Registry,
    leases: Counter,
    in_hand: Gauge,
    commands: Family<OutcomeLabel, Counter>,
    steps: Family<StepLabels, Counter>,
    step_seconds: Family<KindLabel, Histogram, fn() -> Histogram>,
    late_results_waiting: Gauge,
    runbooks: Gauge,
    /// Changes of the runbooks that were not taken because of mistakes.
    pub(super) runbook_reloads_failed: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    kind: &'static str,
    outcome: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("watchgate_runner");
        let leases = Counter::default();
        registry.register("leases", "Commands that were leased", leases.clone());
        let in_hand = Gauge::default();
        registry.register("commands_in_hand", "Commands that are carried out now", in_hand.clone());
        let commands = Family::<OutcomeLabel, Counter>::default();
        // Whoever looks at what a counter grew by does not see its first step if it was not there before.
        for outcome in ["succeeded", "failed", "canceled", "refused", "dropped"] {
            drop(commands.get_or_create(&OutcomeLabel { outcome }));
        }
        registry.register("commands", "Commands, by what came of them", commands.clone());
        let steps = Family::default();
        registry.register("steps", "Steps, by kind and what came of them", steps.clone());
        let step_seconds = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        registry.register("step_seconds", "How long steps took, by kind", step_seconds.clone());
        let late_results_waiting = Gauge::default();
        let help = "Results that could not be told at the last try and are told again";
        registry.register("late_results_waiting", help, late_results_waiting.clone());
        let runbooks = Gauge::default();
        registry.register("runbooks", "Runbooks that are read", runbooks.clone());
        let runbook_reloads_failed = Counter::default();
        let help = "Changes of the runbooks that were not taken because of mistakes";
        registry.register("runbook_reloads_failed", help, runbook_reloads_failed.clone());
        Self {
            registry,
            leases,
            in_hand,
            commands,
            steps,
            step_seconds,
            late_results_waiting,
            runbooks,
            runbook_reloads_failed,
        }
    }
}

impl Metrics {
    /// A command was leased.
    pub(super) fn leased(&self) -> InHand<'_> {
        self.leases.inc();
        self.in_hand.inc();
        InHand { metrics: self, outcome: "dropped" }
    }

    /// A step of this kind is begun.
    pub(super) fn begun(&self, kind: &'static str) -> Begun<'_> {
        Begun { metrics: self, kind, outcome: "dropped", since: Instant::now() }
    }

    /// So many results could not be told when they were last tried.
    pub(super) fn wait_to_be_told(&self, results: usize) {
        self.late_results_waiting.set(i64::try_from(results).unwrap_or(i64::MAX));
    }

    /// OpenMetrics' text form, with as many runbooks as there are by now.
    pub(super) fn text(&self, runbooks: usize) -> Result<String, std::fmt::Error> {
        self.runbooks.set(i64::try_from(runbooks).unwrap_or(i64::MAX));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// A command in hand. One that goes without an outcome was dropped: its lease was lost.
pub(super) struct InHand<'a> {
    metrics: &'a Metrics,
    outcome: &'static str,
}

impl InHand<'_> {
    /// It was held against the runner's own folder, or could not be written down, and was not begun.
    pub(super) fn refused(mut self) {
        self.outcome = "refused";
    }

    /// It was carried out, and ended so.
    pub(super) fn ended(mut self, ending: &Ending) {
        self.outcome = match ending {
            Ending::Succeeded(_) => "succeeded",
            Ending::Failed(_) => "failed",
            Ending::Canceled(_) => "canceled",
        };
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.metrics.in_hand.dec();
        self.metrics.commands.get_or_create(&OutcomeLabel { outcome: self.outcome }).inc();
    }
}

/// A step under way. One that goes without an outcome was dropped: with its lease, or because it did not end when told to.
pub(super) struct Begun<'a> {
    metrics: &'a Metrics,
    kind: &'static str,
    outcome: &'static str,
    since: Instant,
}

impl Begun<'_> {
    /// The word for what became of it, as results have it.
    pub(super) fn ended(mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        let Self { metrics, kind, outcome, since } = self;
        metrics.steps.get_or_create(&StepLabels { kind, outcome }).inc();
        metrics.step_seconds.get_or_create(&KindLabel { kind }).observe(since.elapsed().as_secs_f64());
    }
}
