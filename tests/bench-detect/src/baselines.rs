//! What simple detectors reach, beside ours and in the same run.

use crate::labelled::Labelled;
use crate::synthetic::noise::Noise;

/// A detector's name and what it says of each row.
pub(crate) type Baseline = (&'static str, fn(&Labelled) -> Vec<f64>);

/// All of them.
pub(crate) const BASELINES: [Baseline; 4] =
    [("null", null), ("random", random), ("windowed Gaussian", windowed_gaussian), ("records", records)];

fn null(series: &Labelled) -> Vec<f64> {
    vec![0.5; series.values.len()]
}

fn random(series: &Labelled) -> Vec<f64> {
    let seed = series.name.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut noise = Noise::seeded(seed);
    series.values.iter().map(|_| noise.uniform()).collect()
}

/// One less the tail probability of a normal distribution fitted to a window of the past.
fn windowed_gaussian(series: &Labelled) -> Vec<f64> {
    const WINDOW: usize = 6400;
    let score = |(at, value): (usize, &f64)| {
        let past = &series.values[at.saturating_sub(WINDOW)..at];
        if past.len() < 2 {
            return 0.0;
        }
        let count = past.len() as f64;
        let mean = past.iter().sum::<f64>() / count;
        let variance = past.iter().map(|past| (past - mean).powi(2)).sum::<f64>() / count;
        1.0 - tail((value - mean).abs() / variance.sqrt().max(1e-9))
    };
    series.values.iter().enumerate().map(score).collect()
}

/// How likely a normal variable is more than so many deviations above its mean (Abramowitz and Stegun 26.2.17).
fn tail(deviations: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * deviations);
    let polynomial = [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530]
        .iter()
        .fold(0.0, |sum, c| (sum + c) * t);
    (-deviations * deviations / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * polynomial
}

/// How far a value lies beyond all that were seen, as a share of their range: the benchmark's own "spatial" rule without its 5 %.
fn records(series: &Labelled) -> Vec<f64> {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    let score = |value: &f64| {
        let range = (most - least).max(1e-9);
        let beyond = if least.is_finite() { (value - most).max(least - value).max(0.0) / range } else { 0.0 };
        (least, most) = (least.min(*value), most.max(*value));
        beyond / (beyond + 0.05)
    };
    series.values.iter().map(score).collect()
}
