//! How many samples a second one core judges: by the detectors alone, by the engine with alarms and incidents, and by a plain detector.
//! Counted by the time that this process has had a processor, so that other programs count little.

use std::collections::HashMap;
use std::hint::black_box;
use std::process;

use anyhow::{Result, ensure};
use diagnosis::Millis;
use diagnosis::batch::{Batch, Row};
use diagnosis::detector::Detector;
use diagnosis::engine::{Change, Engine};
use measuring::report::{Figure, Target};
use measuring::statistics::Sample;
use measuring::usage;
use serde_json::json;
use telemetry_traces::{Arrival, Rate, SCENARIOS};

use crate::options::Options;
use crate::plain::Plain;

const SCENARIOS_PLAYED: [&str; 6] =
    ["thermal-throttling", "memory-leak", "bad-build", "network-loss", "pacing-jitter", "noisy-day"];

/// How often the clock says what time it is, as the service does it.
const TICK_MS: Millis = 1000;

/// What is judged.
struct Played {
    keys: [&'static str; 2],
    what: &'static str,
    traces: Vec<Vec<Arrival>>,
}

/// One sample of a series, which has a number.
type Numbered = (usize, Millis, f64);

pub(crate) fn measure(options: &Options) -> Result<Vec<Figure>> {
    let minutes = options.run.or_quick(5, 1);
    let scenarios = options.run.or_quick(SCENARIOS_PLAYED.len(), 1);
    let second = SCENARIOS_PLAYED[..scenarios].iter().map(|name| trace(name, None, Millis::MAX)).collect();
    let frame = vec![trace("shader-stutter", Some(Rate::EACH_FRAME), minutes * 60_000)];
    let all = [
        Played { keys: ["detectors_second", "engine_second"], what: "one row a second", traces: second },
        Played { keys: ["detectors_frame", "engine_frame"], what: "each frame", traces: frame },
    ];
    let mut figures = Vec::new();
    for played in all {
        figures.extend(both(&played, options.run.rounds())?);
    }
    Ok(figures)
}

/// What arrives of a scenario in its first milliseconds.
fn trace(name: &str, rate: Option<Rate>, until: Millis) -> Vec<Arrival> {
    let found = SCENARIOS.iter().find(|scenario| scenario.name == name).map(|scenario| scenario.trace(1, rate));
    let Some(trace) = found else { return Vec::new() };
    let until = trace.starts_at().saturating_add(until);
    trace.take_while(|arrival| arrival.at < until).collect()
}

fn both(played: &Played, rounds: usize) -> Result<[Figure; 2]> {
    let (samples, series) = numbered(&played.traces);
    ensure!(!samples.is_empty(), "there is nothing to be judged");
    let (mut ours, mut plain, mut whole, mut incidents) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..rounds {
        let mut detectors = vec![Detector::default(); series];
        ours.push(a_second(samples.len(), || {
            for (series, at, value) in &samples {
                black_box(detectors[*series].judge(*at, *value));
            }
        })?);
        let mut detectors = vec![Plain::default(); series];
        plain.push(a_second(samples.len(), || {
            for (series, _, value) in &samples {
                black_box(detectors[*series].judge(*value));
            }
        })?);
        incidents = 0;
        whole.push(a_second(samples.len(), || {
            for trace in &played.traces {
                incidents += hear(trace);
            }
        })?);
    }
    let [detectors, engine] = played.keys;
    let plain = Sample::of(plain);
    let figure = |key, what: &str, values: Vec<f64>, extra| {
        let values = Sample::of(values);
        let share = values.median() / plain.median();
        println!("{what}, {}: {:.0} samples/s, {share:.4} of a plain mean and deviation", played.what, values.median());
        Figure {
            key,
            what: format!("{what} on one core, {}", played.what),
            values,
            unit: "1/s",
            target: Target::AtLeast(200_000.0),
            more: json!({
                "samples": samples.len(), "series": series, "incidents": extra, "source": usage::CPU_SOURCE,
                "plain_mean_and_deviation": plain.to_json(0), "share_of_plain": share,
            }),
        }
    };
    Ok([
        figure(detectors, "samples through the detectors", ours, None),
        figure(engine, "samples through the engine, with alarms and incidents", whole, Some(incidents)),
    ])
}

/// So many in how many seconds of a processor.
fn a_second(count: usize, work: impl FnOnce()) -> Result<f64> {
    let before = usage::cpu_time(process::id())?;
    work();
    Ok(count as f64 / (usage::cpu_time(process::id())? - before).as_secs_f64())
}

/// The samples in the order in which they arrive, and how many series they are of.
fn numbered(traces: &[Vec<Arrival>]) -> (Vec<Numbered>, usize) {
    let (mut samples, mut series) = (Vec::new(), HashMap::new());
    for (place, trace) in traces.iter().enumerate() {
        for Arrival { batch, .. } in trace {
            let Batch { device, build, scene, .. } = batch;
            let numbers: Vec<usize> = batch
                .metrics
                .iter()
                .map(|metric| {
                    let next = series.len();
                    *series.entry((place, device, build, scene, metric)).or_insert(next)
                })
                .collect();
            for Row(offset, values) in &batch.rows {
                let at = batch.start.saturating_add(Millis::from(*offset));
                let there = numbers.iter().zip(values).filter_map(|(number, value)| Some((*number, at, (*value)?)));
                samples.extend(there);
            }
        }
    }
    (samples, series.len())
}

/// How many incidents the engine tells.
fn hear(trace: &[Arrival]) -> usize {
    let mut engine = Engine::default();
    let mut opened = 0;
    let mut count = |changes: Vec<Change>| {
        opened += changes.iter().filter(|change| matches!(change, Change::Opened(_))).count();
    };
    let mut now = trace.first().map_or(0, |arrival| arrival.at);
    for Arrival { at, batch } in trace {
        while now + TICK_MS <= *at {
            now += TICK_MS;
            count(engine.tick(now));
        }
        count(engine.take(batch).0);
    }
    opened
}
