//! Series made like measured ones, with anomalies where they were put: what the detector is tuned on beside the benchmark's files,
//! and, of other seeds, held against.
//!
//! Every kind also has harmless oddities of its own, and two of three series more of them ([`oddities`]), so that not all that stands
//! out is labelled, and not all that is labelled stands out.

mod counts;
mod gauges;
pub(crate) mod noise;
mod oddities;
mod seasons;
mod slow;
mod traffic;

use crate::labelled::Labelled;
use noise::Noise;

/// The share of the rows that windows cover in all, as in the benchmark.
const WINDOWS_SHARE: f64 = 0.1;

const START: i64 = 1_396_310_400_000;
const MINUTE: i64 = 60_000;

/// Series of each kind for each seed.
const EACH: u64 = 3;

/// What a kind makes: times, values, and the rows at which anomalies begin.
struct Made {
    times: Vec<i64>,
    values: Vec<f64>,
    begin: Vec<usize>,
}

type Kind = (&'static str, fn(&mut Noise) -> Made);

const KINDS: [Kind; 16] = [
    ("tweets", counts::bursty),
    ("tweets-quiet", counts::bursty_quiet),
    ("requests", counts::requests),
    ("disk-writes", counts::bursts_of_writes),
    ("cpu-spiky", gauges::spiky_cpu),
    ("cpu-shift", gauges::shifting_cpu),
    ("network", gauges::network),
    ("near-constant", gauges::near_constant),
    ("discrete", gauges::discrete),
    ("latency", gauges::latency),
    ("taxi", seasons::taxi),
    ("ambient", seasons::ambient),
    ("machine", slow::machine),
    ("sawtooth", slow::sawtooth),
    ("speed", traffic::speed),
    ("travel-time", traffic::travel_time),
];

/// All series of a seed.
pub(crate) fn series(seed: u64) -> Vec<Labelled> {
    let one = |(index, (kind, make)): (u64, &Kind), copy: u64| {
        let mut noise = Noise::seeded(seed.wrapping_mul(1000) + index * EACH + copy);
        let mut made = make(&mut noise);
        if copy > 0 {
            oddities::add(&mut made, &mut noise);
        }
        Labelled {
            name: format!("{kind}/{seed}-{copy}"),
            windows: windows(&made, &mut noise),
            times: made.times,
            values: made.values,
        }
    };
    let kinds = (0..).zip(&KINDS);
    kinds.flat_map(|kind| (0..EACH).map(move |copy| one(kind, copy))).collect()
}

/// Windows of equal length about where anomalies begin, as the benchmark's; those that meet are one.
fn windows(made: &Made, noise: &mut Noise) -> Vec<std::ops::RangeInclusive<usize>> {
    let rows = made.values.len();
    let width = (WINDOWS_SHARE * rows as f64 / made.begin.len().max(1) as f64) as usize;
    let mut windows: Vec<std::ops::RangeInclusive<usize>> = Vec::new();
    for begin in &made.begin {
        let before = (width as f64 * noise.between(0.35, 0.55)) as usize;
        let first = begin.saturating_sub(before);
        let last = (first + width).min(rows - 1);
        match windows.last_mut() {
            Some(window) if *window.end() >= first => *window = *window.start()..=last,
            _ => windows.push(first..=last),
        }
    }
    windows
}

/// Where anomalies begin: after probation, apart from each other, not at the very end.
fn places(noise: &mut Noise, rows: usize, count: usize) -> Vec<usize> {
    let share = 0.74 / count as f64;
    let place = |index: usize| 0.2 + share * (index as f64 + noise.between(0.1, 0.85));
    (0..count).map(place).map(|place| (place * rows as f64) as usize).collect()
}

/// Times at a fixed distance.
fn regular(rows: usize, step: i64) -> Vec<i64> {
    (0..rows as i64).map(|row| START + row * step).collect()
}

/// The hour of the day, from 0 to 24.
fn hour(time: i64) -> f64 {
    (time.rem_euclid(24 * 60 * MINUTE)) as f64 / (60 * MINUTE) as f64
}

/// The day of the week, Monday first.
fn weekday(time: i64) -> i64 {
    (time.div_euclid(24 * 60 * MINUTE) + 3).rem_euclid(7)
}

/// A smooth hump of height 1 about an hour of the day.
fn hump(hour: f64, centre: f64, width: f64) -> f64 {
    let away = (hour - centre + 36.0).rem_euclid(24.0) - 12.0;
    (-(away / width).powi(2) / 2.0).exp()
}
