//! Road sensors, which report when they like.

use super::noise::Noise;
use super::{MINUTE, Made, START, hour, hump, places, weekday};

/// Mostly every 5 to 10 minutes; now and then nothing for hours.
fn irregular(noise: &mut Noise, rows: usize) -> Vec<i64> {
    let mut time = START;
    let step = |_| {
        let minutes = if noise.happens(0.02) { 30.0 + 300.0 * noise.exponential() } else { noise.between(4.0, 12.0) };
        time += (minutes as i64) * MINUTE;
        time
    };
    (0..rows).map(step).collect()
}

fn rush(time: i64) -> f64 {
    if weekday(time) >= 5 { 0.0 } else { 0.6 * hump(hour(time), 8.0, 0.8) + hump(hour(time), 17.5, 1.2) }
}

/// Speed: slower when many drive; anomalies are jams at times that have none, or far deeper ones.
pub(super) fn speed(noise: &mut Noise) -> Made {
    let rows = 1100 + noise.below(1400);
    let times = irregular(noise, rows);
    let count = 1 + noise.below(3);
    let begin = places(noise, rows, count);
    let (free, slower) = (noise.between(60.0, 80.0), noise.between(0.0, 20.0));
    let mut values: Vec<f64> = times
        .iter()
        .map(|time| {
            let chance = if noise.happens(0.01) { noise.between(5.0, 15.0) } else { 0.0 };
            (free - slower * rush(*time) - chance + 4.0 * noise.normal()).round()
        })
        .collect();
    for begin in &begin {
        let (by, lasts) = (noise.between(0.25, 0.6), 3 + noise.below(25));
        values.iter_mut().skip(*begin).take(lasts).for_each(|value| *value = (*value * by).round());
    }
    Made { times, values, begin }
}

/// Travel time or occupancy: skewed, with rush hours; anomalies are several times as much.
pub(super) fn travel_time(noise: &mut Noise) -> Made {
    let rows = 1500 + noise.below(1000);
    let times = irregular(noise, rows);
    let count = 1 + noise.below(3);
    let begin = places(noise, rows, count);
    let (base, busy) = (noise.between(5.0, 200.0), noise.between(0.3, 1.5));
    let mut values: Vec<f64> = times
        .iter()
        .map(|time| {
            let chance = if noise.happens(0.015) { noise.pareto(2.0).min(4.0) } else { 1.0 };
            (base * (1.0 + busy * rush(*time)) * chance * noise.lognormal(0.25)).round()
        })
        .collect();
    for begin in &begin {
        let (by, lasts) = (noise.between(3.0, 8.0), 2 + noise.below(20));
        values.iter_mut().skip(*begin).take(lasts).for_each(|value| *value = (*value * by).round());
    }
    Made { times, values, begin }
}
