//! What a probe counts, in the text form that Prometheus reads. Labels are of closed sets and of the file.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::alerts::Alert;
use super::attacks::{Attack, Verdict};
use super::check::{Check, Finding, Outcome};
use super::outbox::Standing;

/// From a request to the whole of a timeout.
const SECONDS: [f64; 9] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 20.0];

/// All counters, and the registry that writes them down.
pub(super) struct Metrics {
    registry: Registry,
    checks: Family<OutcomeLabels, Counter>,
    passing: Family<CheckLabel, Gauge>,
    alerts: Family<CheckLabel, Gauge>,
    seconds: Family<CheckLabel, Histogram, fn() -> Histogram>,
    attacks: Family<AttackLabels, Counter>,
    deliveries: Family<DeliveryLabels, Counter>,
    waiting: Family<ReceiverLabel, Gauge>,
    dropped: Gauge,
    state_kept: Gauge,
    last_round: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CheckLabel {
    check: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    check: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttackLabels {
    attack: &'static str,
    verdict: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabels {
    receiver: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReceiverLabel {
    receiver: String,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("watchgate_probe");
        let checks = Family::default();
        registry.register("checks", "Checks made, by what came of them", checks.clone());
        let passing = Family::default();
        registry.register(
            "check_passing",
            "1 where a check passed when it was last made, 0 where it failed",
            passing.clone(),
        );
        let alerts = Family::default();
        registry.register("alert_firing", "1 where a check has an alert", alerts.clone());
        let seconds = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        registry.register_with_unit("check_duration", "How long checks took", Unit::Seconds, seconds.clone());
        let attacks = Family::default();
        registry.register("attacks", "Attacks made, by what became of them", attacks.clone());
        let deliveries = Family::default();
        registry.register("deliveries", "Tries to tell a receiver, by what came of them", deliveries.clone());
        let waiting = Family::default();
        registry.register("notices_waiting", "Notices that a receiver has not taken yet", waiting.clone());
        let dropped = Gauge::default();
        registry.register(
            "notices_dropped",
            "Notices that were lost because too many waited, since the start",
            dropped.clone(),
        );
        let state_kept = Gauge::default();
        registry.register("state_kept", "0 while the state file cannot be written", state_kept.clone());
        let last_round = Gauge::default();
        registry.register_with_unit(
            "last_round_timestamp",
            "When the last round ended",
            Unit::Seconds,
            last_round.clone(),
        );
        Self {
            registry,
            checks,
            passing,
            alerts,
            seconds,
            attacks,
            deliveries,
            waiting,
            dropped,
            state_kept,
            last_round,
        }
    }
}

impl Metrics {
    /// A round came to this, at `now` in Unix seconds.
    pub(super) fn round(&self, findings: &[Finding], attacks: &[(Attack, Verdict)], now: i64) {
        for Finding { check, outcome, took } in findings {
            let label = CheckLabel { check: check.name() };
            self.checks.get_or_create(&OutcomeLabels { check: check.name(), outcome: outcome.name() }).inc();
            match outcome {
                Outcome::Passed(_) => drop(self.passing.get_or_create(&label).set(1)),
                Outcome::Failed(_) => drop(self.passing.get_or_create(&label).set(0)),
                Outcome::Blocked(_) => continue,
            }
            self.seconds.get_or_create(&label).observe(took.as_secs_f64());
        }
        for (attack, verdict) in attacks {
            self.attacks.get_or_create(&AttackLabels { attack: attack.name(), verdict: verdict.name() }).inc();
        }
        self.last_round.set(now);
    }

    pub(super) fn delivered(&self, receiver: &str, outcome: &'static str) {
        self.deliveries.get_or_create(&DeliveryLabels { receiver: receiver.to_owned(), outcome }).inc();
    }

    /// OpenMetrics' text form.
    pub(super) fn text(
        &self,
        made: &[Check],
        alerts: &[Alert],
        standing: &Standing,
    ) -> Result<String, std::fmt::Error> {
        for check in made {
            let fires = alerts.iter().any(|alert| alert.check == *check);
            self.alerts.get_or_create(&CheckLabel { check: check.name() }).set(i64::from(fires));
        }
        for (receiver, waiting) in &standing.waiting {
            let waiting = i64::try_from(*waiting).unwrap_or(i64::MAX);
            self.waiting.get_or_create(&ReceiverLabel { receiver: receiver.clone() }).set(waiting);
        }
        self.dropped.set(i64::try_from(standing.dropped).unwrap_or(i64::MAX));
        self.state_kept.set(i64::from(standing.is_kept));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
