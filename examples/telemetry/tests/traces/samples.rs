//! The samples of a trace that a test looks at.

use diagnosis::Millis;
use diagnosis::batch::Row;
use telemetry_traces::{Expected, scenario};

/// One value, and where it was measured.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) device: String,
    pub(crate) build: String,
    pub(crate) scene: String,
    pub(crate) at: Millis,
    pub(crate) value: f64,
}

/// All of one metric, while somebody plays.
pub(crate) fn played(name: &str, seed: u64, metric: &str) -> Vec<Sample> {
    let mut samples = Vec::new();
    for batch in scenario(name, seed).unwrap().batches() {
        let Some(column) = batch.metrics.iter().position(|it| it == metric) else { continue };
        if ["title", "loading"].contains(&batch.scene.as_str()) {
            continue;
        }
        for Row(offset, values) in &batch.rows {
            let Some(value) = values[column] else { continue };
            samples.push(Sample {
                device: batch.device.clone(),
                build: batch.build.clone(),
                scene: batch.scene.clone(),
                at: batch.start + Millis::from(*offset),
                value,
            });
        }
    }
    samples
}

/// The mean of those for which something holds, and their standard deviation.
pub(crate) fn mean_of(samples: &[Sample], holds: impl Fn(&Sample) -> bool) -> (f64, f64) {
    let values: Vec<f64> = samples.iter().filter(|sample| holds(sample)).map(|sample| sample.value).collect();
    assert!(!values.is_empty(), "there are none");
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let square = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
    (mean, square.sqrt())
}

/// What is expected of a scenario with one cause.
pub(crate) fn expected(name: &str, seed: u64) -> Expected {
    scenario(name, seed).unwrap().expectation().incidents.first().unwrap().clone()
}

/// Mean and spread on struck devices before the cause, on struck ones from `after` milliseconds behind it on, and on others then.
pub(crate) fn before_after_others(name: &str, seed: u64, metric: &str, after: Millis) -> [(f64, f64); 3] {
    let (cause, samples) = (expected(name, seed), played(name, seed, metric));
    let is_struck = |sample: &Sample| cause.devices.contains(&sample.device);
    let since = cause.cause_at + after;
    [
        mean_of(&samples, |it| is_struck(it) && it.at < cause.cause_at),
        mean_of(&samples, |it| is_struck(it) && it.at > since && it.at < since + 180_000),
        mean_of(&samples, |it| !is_struck(it) && it.at > since && it.at < since + 180_000),
    ]
}
