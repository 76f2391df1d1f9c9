//! One scenario with one seed, from its first batch until long after its last one.

use std::collections::BTreeMap;

use diagnosis::Millis;
use diagnosis::engine::{Change, Engine};
use diagnosis::incident::Incident;
use telemetry_traces::{Failure, Rate, Scenario};

/// How often time is let pass, as the service does.
const TICK_MS: Millis = 1000;

/// How long after the last batch it is still listened.
const LISTENS_MS: Millis = 30 * 60_000;

/// What came of it.
#[derive(Clone, Debug)]
pub struct Played {
    /// With which seed.
    pub seed: u64,
    /// What is wrong about what was raised.
    pub failures: Vec<Failure>,
    /// How many incidents there should be.
    pub expected: usize,
    /// For each cause that was raised, the time from the cause to the telling.
    pub delays_ms: Vec<Millis>,
    /// The hours of all devices together.
    pub device_hours: f64,
    /// How many samples were judged.
    pub judged: usize,
    /// How many incidents were merged into others, after they had been told.
    pub merged: usize,
    /// How many series were in memory in the end.
    pub series: usize,
    /// The incidents, each as it was told last, with when it was told first.
    pub incidents: Vec<(Millis, Incident)>,
}

/// Plays a scenario.
pub fn play(scenario: &Scenario, seed: u64, rate: Option<Rate>) -> Played {
    let trace = scenario.trace(seed, rate);
    let expectation = trace.expectation().clone();
    let (starts, ends, devices) = (trace.starts_at(), trace.ends_at(), trace.devices().len());
    let mut heard = Heard { engine: Engine::default(), now: starts, incidents: BTreeMap::new() };
    let mut judged = 0_usize;
    for arrival in trace {
        heard.pass(arrival.at);
        let (changes, counted) = heard.engine.take(&arrival.batch);
        judged = judged.saturating_add(counted.judged);
        heard.hear(arrival.at, changes);
    }
    heard.pass(ends.saturating_add(LISTENS_MS));
    let series = heard.engine.census().series;
    let incidents: Vec<(Millis, Incident)> = heard.incidents.into_values().collect();
    let told: Vec<Incident> = incidents.iter().map(|(_, incident)| incident.clone()).collect();
    let delays = expectation.incidents.iter().filter_map(|expected| {
        let of_it = incidents.iter().filter(|(_, incident)| expected.is_of(incident));
        of_it.map(|(told_at, _)| told_at.saturating_sub(expected.cause_at)).min()
    });
    let hours = ends.saturating_sub(starts) as f64 / 3_600_000.0;
    Played {
        seed,
        failures: expectation.failures(&told),
        expected: expectation.incidents.len(),
        delays_ms: delays.collect(),
        device_hours: hours * devices as f64,
        judged,
        merged: told.iter().filter(|incident| incident.merged_into.is_some()).count(),
        series,
        incidents,
    }
}

struct Heard {
    engine: Engine,
    now: Millis,
    incidents: BTreeMap<String, (Millis, Incident)>,
}

impl Heard {
    fn pass(&mut self, until: Millis) {
        while self.now.saturating_add(TICK_MS) <= until {
            self.now = self.now.saturating_add(TICK_MS);
            let changes = self.engine.tick(self.now);
            self.hear(self.now, changes);
        }
    }

    fn hear(&mut self, at: Millis, changes: Vec<Change>) {
        for change in changes {
            let (Change::Opened(incident) | Change::Updated(incident) | Change::Resolved(incident)) = change;
            let told_at = self.incidents.get(&incident.incident).map_or(at, |(told_at, _)| *told_at);
            self.incidents.insert(incident.incident.clone(), (told_at, incident));
        }
    }
}
