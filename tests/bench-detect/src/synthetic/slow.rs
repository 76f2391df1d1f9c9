//! What moves slowly: a machine's temperature, a scaled group's load.

use super::noise::Noise;
use super::{MINUTE, Made, places, regular};

/// Temperature of a machine that wanders within limits; anomalies are failures: down within hours, and slowly back.
pub(super) fn machine(noise: &mut Noise) -> Made {
    let rows = 12_000 + noise.below(10_000);
    let times = regular(rows, 5 * MINUTE);
    let count = 2 + noise.below(3);
    let begin = places(noise, rows, count);
    let (mut slow, mut quick) = (0.0, 0.0);
    let mut values: Vec<f64> = (0..rows)
        .map(|_| {
            slow = 0.999 * slow + 0.25 * noise.normal();
            quick = 0.9 * quick + 0.4 * noise.normal();
            85.0 + slow + quick + 0.5 * noise.normal()
        })
        .collect();
    for begin in &begin {
        let (deep, falls, stays) = (noise.between(20.0, 60.0), 10 + noise.below(120), 20 + noise.below(200));
        let back = 100 + noise.below(300);
        for (after, value) in values.iter_mut().skip(*begin).take(falls + stays + back).enumerate() {
            let share = if after < falls {
                after as f64 / falls as f64
            } else {
                1.0 - (after.saturating_sub(falls + stays) as f64 / back as f64).min(1.0)
            };
            *value -= deep * share;
        }
    }
    Made { times, values, begin }
}

/// Load that rises until a machine is added; anomalies are hours at the top, or with no load at all.
pub(super) fn sawtooth(noise: &mut Noise) -> Made {
    let rows = 4032 + noise.below(12_000);
    let times = regular(rows, 5 * MINUTE);
    let count = 1 + noise.below(2);
    let begin = places(noise, rows, count);
    let (low, high) = (noise.between(20.0, 40.0), noise.between(55.0, 75.0));
    let mut load = low;
    let mut values: Vec<f64> = (0..rows)
        .map(|_| {
            load += (high - low) / 40.0 * noise.between(0.0, 2.0);
            if load > high * noise.between(0.9, 1.05) {
                load = low * noise.between(0.9, 1.2);
            }
            load + 2.0 * noise.normal()
        })
        .collect();
    for begin in &begin {
        let (level, lasts) =
            if noise.happens(0.6) { (97.0, 20 + noise.below(150)) } else { (low * 0.2, 20 + noise.below(150)) };
        values.iter_mut().skip(*begin).take(lasts).for_each(|value| *value = level + noise.normal());
    }
    Made { times, values, begin }
}
