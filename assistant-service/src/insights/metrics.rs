//! What is counted of watches. Their names come from files of the operator, so each may be a label.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The counters of watches.
#[derive(Clone, Debug, Default)]
pub(crate) struct InsightMetrics {
    /// Insights that became events, by watch and judgement.
    pub(super) insights: Family<InsightLabels, Counter>,
    /// Insights that wait for the assistant.
    pub(super) waiting: Family<WatchLabel, Gauge>,
    /// Events that a watch has yet to look at, counted up to 1000.
    pub(super) lag: Family<WatchLabel, Gauge>,
    /// Matters that were forgotten before there were enough events of them, because there were too many matters.
    pub(super) dropped: Family<WatchLabel, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct InsightLabels {
    pub(super) watch: String,
    pub(super) judgement: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct WatchLabel {
    pub(super) watch: String,
}

impl InsightMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("insights", "Insights, by watch and judgement", metrics.insights.clone());
        registry.register("insights_waiting", "Insights that wait for the assistant", metrics.waiting.clone());
        registry.register(
            "watch_lag_events",
            "Events that a watch has yet to look at, up to 1000",
            metrics.lag.clone(),
        );
        let help = "Matters that a watch forgot before there were enough events, for want of room";
        registry.register("watch_matters_dropped", help, metrics.dropped.clone());
        metrics
    }

    /// Of a replica that watches no more, nothing is true any more.
    pub(super) fn forget(&self) {
        self.waiting.clear();
        self.lag.clear();
    }
}
