//! What makes measured series hard: they change without anybody minding, and people label what they know from elsewhere.

use super::noise::Noise;
use super::{Made, places};

/// How often a series has a label where nothing is to be seen.
const UNSEEN_LABEL: f64 = 0.25;

/// Adds them to a series.
pub(super) fn add(made: &mut Made, noise: &mut Noise) {
    let mut sorted = made.values.clone();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    let (least, middle, wide) = (at(0.0), at(0.5), at(0.995) - at(0.005));
    wander(&mut made.values, middle, noise.between(0.0, 0.3), noise);
    for _ in 0..noise.below(5) {
        spike(&mut made.values, wide, noise);
    }
    if noise.happens(0.5) {
        shift(&mut made.values, wide, noise);
    }
    // What was never below zero is a count or a share.
    if least >= 0.0 {
        made.values.iter_mut().for_each(|value| *value = value.max(0.0));
    }
    if noise.happens(UNSEEN_LABEL) {
        made.begin.extend(places(noise, made.values.len(), 1));
        made.begin.sort_unstable();
    }
}

/// What is far from the middle is so by a factor that changes over days.
fn wander(values: &mut [f64], middle: f64, by: f64, noise: &mut Noise) {
    let step = by * (2.0 / 500.0_f64).sqrt();
    let mut factor = 0.0;
    for value in values {
        factor = factor * (1.0 - 1.0 / 500.0) + step * noise.normal();
        *value = middle + (*value - middle) * f64::exp(factor);
    }
}

/// A few rows that stand out.
fn spike(values: &mut [f64], wide: f64, noise: &mut Noise) {
    let begin = noise.below(values.len());
    let by = wide * noise.between(0.3, 1.5) * if noise.happens(0.75) { 1.0 } else { -1.0 };
    let lasts = 1 + noise.below(4);
    values.iter_mut().skip(begin).take(lasts).for_each(|value| *value += by);
}

/// Another level, for good.
fn shift(values: &mut [f64], wide: f64, noise: &mut Noise) {
    let begin = noise.below(values.len());
    let by = wide * noise.between(-0.3, 0.3);
    values.iter_mut().skip(begin).for_each(|value| *value += by);
}
