//! The simulation beside what was measured: what the benches have found at a load that is known, and what this says to it.

use crate::costs::Costs;
use crate::mix::{Kind, Part};
use crate::system::{Hosts, Load, simulate};

/// A point that was measured.
#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) what: &'static str,
    pub(crate) source: &'static str,
    pub(crate) measured_ms: f64,
    pub(crate) simulated_ms: f64,
}

impl Point {
    /// By how much the simulation is off, 1 being right.
    pub(crate) fn ratio(&self) -> f64 {
        self.simulated_ms / self.measured_ms
    }
}

/// Two cores that everything shares, as the benches had them; what the load and the back end take of them is not in the model.
const BENCH: Hosts = Hosts { gates: 1, gate_cores: 2, replicas: 1, replica_cores: 2, nats: 1, quorum: 1 };

fn only(kind: Kind) -> [Part; 1] {
    [Part { kind, share: 1.0, p99_within: 1.0 }]
}

/// All points.
pub(crate) fn points(costs: &Costs, seed: u64) -> Vec<Point> {
    // On one machine nobody is far away.
    let here = Costs { round_trip: 0.0, sync: costs.sync_here, ..costs.clone() };
    let p99 = |costs: &Costs, hosts: Hosts, kind: Kind, rate: f64, share: f64| {
        let mix = only(kind);
        let load = Load { requests_per_second: rate, seconds: 100.0, mix: &mix, tails: 1.0, seed };
        simulate(costs, hosts, &load).quantile(kind, share).unwrap_or(f64::NAN) * 1e3
    };
    let events = Costs { gate: 0.0, ..here.clone() };
    let slow_disk = Costs { sync: costs.sync, ..events.clone() };
    vec![
        Point {
            what: "gate with everything, 2,000 requests/s, p99",
            source: "make bench-gate, docs/FIGURES.md",
            measured_ms: 0.81,
            simulated_ms: p99(&here, BENCH, Kind::Passed, 2_000.0, 0.99),
        },
        Point {
            what: "an event on NATS until a tail has it, 2,000 events/s, p99",
            source: "make bench-events, docs/FIGURES.md",
            measured_ms: 7.0,
            simulated_ms: p99(&events, BENCH, Kind::Event, 2_000.0, 0.99),
        },
        Point {
            what: "the same, with the sync that is planned with in place of that machine's",
            source: "make bench-events, docs/FIGURES.md",
            measured_ms: 7.0,
            simulated_ms: p99(&slow_disk, BENCH, Kind::Event, 2_000.0, 0.99),
        },
    ]
}
