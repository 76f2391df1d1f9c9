//! What a cloud's monitoring shows of machines, every five minutes.

use super::noise::Noise;
use super::{MINUTE, Made, places, regular};

const ROWS: usize = 4032;

fn five_minutes() -> Vec<i64> {
    regular(ROWS, 5 * MINUTE)
}

/// A low level, jobs at fixed distances, chance spikes; anomalies are higher spikes, jobs that stay away, or new levels.
pub(super) fn spiky_cpu(noise: &mut Noise) -> Made {
    let count = 1 + noise.below(3);
    let begin = places(noise, ROWS, count);
    let (level, wide) = (noise.between(1.0, 30.0), noise.between(0.02, 0.15));
    let every = 12 + noise.below(276);
    let height = level * noise.between(0.5, 2.0);
    let mut values: Vec<f64> = (0..ROWS).map(|_| level * (1.0 + wide * noise.normal())).collect();
    for (row, value) in values.iter_mut().enumerate() {
        if row % every < 2 {
            *value += height * noise.between(0.8, 1.2);
        } else if noise.happens(0.004) {
            *value += height * noise.between(0.2, 1.3);
        }
    }
    for begin in &begin {
        match noise.below(4) {
            0 => {
                let lasts = 1 + noise.below(8);
                values.iter_mut().skip(*begin).take(lasts).for_each(|value| *value += height * 2.2 + level);
            }
            1 => {
                let lasts = (every * 2).clamp(48, 400);
                let quiet = level * noise.between(0.3, 0.8);
                values
                    .iter_mut()
                    .skip(*begin)
                    .take(lasts)
                    .for_each(|value| *value = quiet + 0.01 * level * noise.normal());
            }
            _ => {
                let by = level * noise.between(0.5, 1.5) + height * 0.3;
                let lasts = 30 + noise.below(1500);
                values.iter_mut().skip(*begin).take(lasts).for_each(|value| *value += by);
            }
        }
    }
    values.iter_mut().for_each(|value| *value = value.clamp(0.0, 100.0));
    Made { times: five_minutes(), values, begin }
}

/// Noise about a level; from some moment another level, for good or for hours.
pub(super) fn shifting_cpu(noise: &mut Noise) -> Made {
    let count = 1 + noise.below(2);
    let begin = places(noise, ROWS, count);
    let (level, wide) = (noise.between(20.0, 60.0), noise.between(0.5, 6.0));
    let stickiness = noise.between(0.0, 0.9);
    let mut state = 0.0;
    let mut values: Vec<f64> = (0..ROWS)
        .map(|_| {
            state = stickiness * state + (1.0 - stickiness * stickiness).sqrt() * noise.normal();
            level + wide * state + if noise.happens(0.003) { wide * noise.between(3.0, 6.0) } else { 0.0 }
        })
        .collect();
    for begin in &begin {
        let up = if noise.happens(0.6) { 1.0 } else { -1.0 };
        let by = up * wide * noise.between(3.0, 9.0);
        let lasts = if noise.happens(0.5) { ROWS } else { 20 + noise.below(200) };
        values.iter_mut().skip(*begin).take(lasts).for_each(|value| *value += by);
    }
    Made { times: five_minutes(), values, begin }
}

/// Bytes in: over magnitudes, with transfers; anomalies are far bigger ones, or another level of everything.
pub(super) fn network(noise: &mut Noise) -> Made {
    let count = 1 + noise.below(3);
    let begin = places(noise, ROWS, count);
    let (level, wide) = (noise.between(1e4, 1e7), noise.between(0.15, 0.6));
    let mut values: Vec<f64> = (0..ROWS)
        .map(|_| level * noise.lognormal(wide) * if noise.happens(0.01) { noise.pareto(1.5).min(8.0) } else { 1.0 })
        .collect();
    for begin in &begin {
        let (by, lasts) = if noise.happens(0.5) {
            (noise.between(12.0, 40.0), 1 + noise.below(12))
        } else {
            (noise.between(2.5, 6.0), 40 + noise.below(400))
        };
        values.iter_mut().skip(*begin).take(lasts).for_each(|value| *value *= by);
    }
    Made { times: five_minutes(), values, begin }
}

/// One of very few values nearly always; an anomaly is one that was hardly seen.
pub(super) fn near_constant(noise: &mut Noise) -> Made {
    let count = 1 + noise.below(2);
    let begin = places(noise, ROWS, count);
    let step = 0.002;
    let level = noise.between(0.05, 2.0);
    let often = noise.between(0.005, 0.3);
    let mut values: Vec<f64> = (0..ROWS)
        .map(|_| {
            let steps = if noise.happens(often) { 1.0 + noise.below(2) as f64 } else { 0.0 };
            level + step * steps + if noise.happens(0.001) { step * noise.between(4.0, 10.0).round() } else { 0.0 }
        })
        .collect();
    for begin in &begin {
        let by = step * noise.between(12.0, 60.0).round() * if noise.happens(0.8) { 1.0 } else { -0.5 };
        let lasts = 1 + noise.below(30);
        values.iter_mut().skip(*begin).take(lasts).for_each(|value| *value += by);
    }
    Made { times: five_minutes(), values, begin }
}

/// Small whole numbers that stay for a while; anomalies are numbers above all, or one number that stays far too long.
pub(super) fn discrete(noise: &mut Noise) -> Made {
    let count = 1 + noise.below(2);
    let begin = places(noise, ROWS, count);
    let (most, moves) = (3 + noise.below(6), noise.between(0.05, 0.5));
    let mut state = most / 2;
    let mut values: Vec<f64> = (0..ROWS)
        .map(|_| {
            if noise.happens(moves) {
                state = noise.below(most);
            }
            state as f64
        })
        .collect();
    for begin in &begin {
        let (value, lasts) = if noise.happens(0.6) {
            (most as f64 + noise.between(1.0, most as f64).round(), 2 + noise.below(20))
        } else {
            (values[*begin], (60.0 / moves) as usize)
        };
        values.iter_mut().skip(*begin).take(lasts).for_each(|row| *row = value);
    }
    Made { times: five_minutes(), values, begin }
}

/// Times that requests take: skewed, with a slow wander; anomalies are wider, slower, or both.
pub(super) fn latency(noise: &mut Noise) -> Made {
    let count = 1 + noise.below(3);
    let begin = places(noise, ROWS, count);
    let (level, wide) = (noise.between(5.0, 60.0), noise.between(0.1, 0.35));
    let mut wander = 0.0;
    let mut values: Vec<f64> = (0..ROWS)
        .map(|_| {
            wander = 0.995 * wander + 0.01 * noise.normal();
            level * f64::exp(wander) * noise.lognormal(wide)
        })
        .collect();
    for begin in &begin {
        let (shift, wider) = (noise.between(1.0, 2.0), noise.between(1.5, 3.5));
        let lasts = 20 + noise.below(150);
        values.iter_mut().skip(*begin).take(lasts).for_each(|value| *value *= shift * noise.lognormal(wide * wider));
    }
    Made { times: five_minutes(), values, begin }
}
