//! Where a series is, and how far from there samples are: of the last thousand or so, with outliers held back.

use serde::{Deserialize, Serialize};

use super::parameters::LEVEL_MEMORY;

/// Until so many samples nothing is held back: nobody knows yet what an outlier is.
const FIRST: u32 = 20;

/// A distance that is never told from none, as a share of the value.
const RESOLUTION: f64 = 1e-6;

/// A mean, and the mean distance from it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Level {
    pub(super) mean: f64,
    distance: f64,
}

impl Level {
    /// How far samples usually are from the mean; never 0. `size` says how large values are.
    pub(super) fn scale(&self, size: f64) -> f64 {
        self.distance.max(RESOLUTION * size).max(f64::MIN_POSITIVE)
    }

    /// Whether all values so far were the same.
    pub(super) fn is_still(&self) -> bool {
        self.distance == 0.0
    }

    /// Learns a value, of which no more than a few times the scale counts.
    pub(super) fn learn(&mut self, value: f64, scale: f64, count: u32) {
        let most = if count < FIRST { f64::MAX } else { 4.0 * scale };
        let off = value - self.mean;
        self.mean += weight(count) * off.clamp(-most, most);
        self.distance += weight(count) * (off.abs().min(most) - self.distance);
    }
}

/// A mean distance of what cannot be negative, held back the same way.
pub(super) fn learn_width(width: &mut f64, distance: f64, least: f64, count: u32) {
    let most = if count < FIRST { f64::MAX } else { 6.0 * width.max(least) };
    *width += weight(count) * (distance.min(most) - *width);
}

/// Of all samples at first, of the last ones later.
fn weight(count: u32) -> f64 {
    1.0 / (f64::from(count) + 1.0).min(LEVEL_MEMORY)
}
