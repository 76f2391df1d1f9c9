//! What is counted of the diagnosis of devices.

use diagnosis::engine::{Census, Counted};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::telling::Said;
use crate::backbone::Position;

/// The counters of diagnosis.
#[derive(Clone, Debug, Default)]
pub(crate) struct IncidentMetrics {
    samples: Family<BecameLabel, Counter>,
    told: Family<BecameLabel, Counter>,
    open: Gauge,
    alarms: Gauge,
    series: Gauge,
    devices: Gauge,
    forgotten: Gauge,
    parked: Counter,
    revived: Counter,
    lag: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BecameLabel {
    became: &'static str,
}

impl IncidentMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let help = "Samples of devices: judged, left out, or later than a minute";
        registry.register("samples", help, metrics.samples.clone());
        registry.register("incidents", "What was told of incidents", metrics.told.clone());
        registry.register("incidents_open", "Incidents that go on", metrics.open.clone());
        registry.register("alarms_open", "Series that are not as usual", metrics.alarms.clone());
        registry.register("series_in_memory", "Series in memory", metrics.series.clone());
        registry.register("devices_known", "Devices that were heard in the last hour", metrics.devices.clone());
        let help = "Series that were forgotten for want of room, by this replica";
        registry.register("series_forgotten", help, metrics.forgotten.clone());
        registry.register("devices_parked", "Devices that were taken out of memory", metrics.parked.clone());
        registry.register("devices_revived", "Devices that came back into memory", metrics.revived.clone());
        let help = "Positions of the log that are yet to be judged; 0 where all is judged";
        registry.register("diagnosis_lag_events", help, metrics.lag.clone());
        metrics
    }

    pub(super) fn count(&self, counted: &Counted) {
        let Counted { judged, left_out, too_late } = *counted;
        for (became, count) in [("judged", judged), ("left-out", left_out), ("too-late", too_late)] {
            if count > 0 {
                self.samples.get_or_create(&BecameLabel { became }).inc_by(u64::try_from(count).unwrap_or(u64::MAX));
            }
        }
    }

    pub(super) fn told(&self, said: Said) {
        self.told.get_or_create(&BecameLabel { became: said.name() }).inc();
    }

    pub(super) fn census(&self, census: &Census) {
        let Census { series, devices, forgotten, incidents, alarms } = *census;
        for (gauge, count) in
            [(&self.series, series), (&self.devices, devices), (&self.open, incidents), (&self.alarms, alarms)]
        {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.forgotten.set(i64::try_from(forgotten).unwrap_or(i64::MAX));
    }

    pub(super) fn lag(&self, newest: Position, looked: Position, is_unfinished: bool) {
        let lag = if is_unfinished { newest.saturating_sub(looked) } else { 0 };
        self.lag.set(i64::try_from(lag).unwrap_or(i64::MAX));
    }

    pub(super) fn parked(&self, devices: usize) {
        self.parked.inc_by(u64::try_from(devices).unwrap_or(u64::MAX));
    }

    pub(super) fn revived(&self, devices: usize) {
        self.revived.inc_by(u64::try_from(devices).unwrap_or(u64::MAX));
    }

    /// Of a replica that follows the log no more, nothing is true any more.
    pub(super) fn forget(&self) {
        for gauge in [&self.open, &self.alarms, &self.series, &self.devices, &self.forgotten, &self.lag] {
            gauge.set(0);
        }
    }
}
