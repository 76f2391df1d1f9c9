//! How many samples a second one core judges.

use std::hint::black_box;
use std::time::Instant;

use crate::labelled::Labelled;
use crate::ours;

/// Times over all series; the best says what the detector takes, the others what else the machine did.
const TURNS: usize = 5;

/// Samples a second.
pub(crate) fn measure(all: &[Labelled]) -> f64 {
    let samples: usize = all.iter().map(|series| series.values.len()).sum();
    let turn = |_| {
        let start = Instant::now();
        for series in all {
            black_box(ours(series));
        }
        samples as f64 / start.elapsed().as_secs_f64()
    };
    (0..TURNS).map(turn).fold(0.0, f64::max)
}
