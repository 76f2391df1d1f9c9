//! Days and weeks that look alike, until one does not.

use super::noise::Noise;
use super::{MINUTE, Made, hour, hump, places, regular, weekday};

/// Passengers every half hour, with days and weeks; anomalies are days that are not like others of their kind, or one huge night.
pub(super) fn taxi(noise: &mut Noise) -> Made {
    let rows = 10_320;
    let times = regular(rows, 30 * MINUTE);
    let count = 2 + noise.below(4);
    let begin: Vec<usize> = places(noise, rows, count).into_iter().map(|row| row / 48 * 48).collect();
    let base = noise.between(500.0, 8000.0);
    let mut factors = vec![1.0; rows];
    for begin in &begin {
        if noise.happens(0.25) {
            let night = begin + 2;
            factors.iter_mut().skip(night).take(6).for_each(|factor| *factor = noise.between(1.6, 2.4));
        } else {
            let by = noise.between(0.35, 0.7);
            factors.iter_mut().skip(*begin).take(48).for_each(|factor| *factor = by);
        }
    }
    let mut day_factor = 1.0;
    let values = times.iter().zip(&factors).map(|(time, factor)| {
        let (hour, is_weekend) = (hour(*time), weekday(*time) >= 5);
        if hour == 0.0 {
            day_factor = 1.0 + 0.05 * noise.normal();
        }
        let shape = if is_weekend {
            0.3 + 0.7 * hump(hour, 1.0, 2.0) + 0.7 * hump(hour, 15.0, 4.0) + 0.8 * hump(hour, 22.0, 3.0)
        } else {
            0.2 + 0.9 * hump(hour, 8.5, 1.8) + 0.7 * hump(hour, 14.0, 3.5) + 1.1 * hump(hour, 19.5, 2.5)
        };
        (base * shape * day_factor * factor * (1.0 + 0.05 * noise.normal())).round().max(0.0)
    });
    let values = values.collect();
    Made { times, values, begin }
}

/// Hourly temperature of a place: a day, a year, weather; anomalies are hours far from what the season has.
pub(super) fn ambient(noise: &mut Noise) -> Made {
    let rows = 7200;
    let times = regular(rows, 60 * MINUTE);
    let count = 1 + noise.below(3);
    let begin = places(noise, rows, count);
    let (day, year, weather) = (noise.between(1.0, 5.0), noise.between(2.0, 8.0), noise.between(0.5, 2.0));
    let mut front = 0.0;
    let mut values: Vec<f64> = (0..rows)
        .map(|row| {
            front = 0.985 * front + 0.17 * weather * noise.normal();
            let yearly = (row as f64 / 8760.0 * std::f64::consts::TAU).sin();
            let daily = (row as f64 / 24.0 * std::f64::consts::TAU).sin();
            70.0 + year * yearly + day * daily + front + 0.4 * noise.normal()
        })
        .collect();
    for begin in &begin {
        let lasts = 12 + noise.below(60);
        let by = (day + 3.0 * weather) * noise.between(1.2, 2.5) * if noise.happens(0.6) { -1.0 } else { 1.0 };
        for (after, value) in values.iter_mut().skip(*begin).take(lasts).enumerate() {
            *value += by * (after as f64 / lasts as f64 * std::f64::consts::PI).sin();
        }
    }
    Made { times, values, begin }
}
