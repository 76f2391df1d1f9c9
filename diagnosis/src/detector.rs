//! Judges one series sample by sample: one configuration for all data, no look-ahead, no training.

use serde::{Deserialize, Serialize};

use crate::Millis;

/// What is strange about a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One sample, or few, far off.
    Spike,
    /// From some moment on another level.
    LevelShift,
    /// Slowly away.
    Drift,
    /// Wider, or narrower, than before.
    Variance,
    /// The same value again and again, where it moved before.
    Flatline,
    /// Not as at this time of other days.
    Season,
    /// Nothing comes any more.
    Silence,
}

/// Which way it moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To more than usual.
    Up,
    /// To less than usual.
    Down,
}

/// What is said of one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// How strange it is, from 0 (not at all) to 1; what the numbers mean is said at [`Detector`].
    pub score: f64,
    /// What is strangest about it.
    pub kind: Kind,
    /// Which way.
    pub direction: Direction,
    /// What was usual before.
    pub usual: f64,
    /// How far from `usual` samples usually are (one standard deviation of a normal distribution, estimated robustly).
    pub spread: f64,
}

/// What is known of a series.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Detector {
    count: u32,
    mean: f64,
    deviation: f64,
}

impl Detector {
    /// Judges the next sample, and learns from it.
    pub fn judge(&mut self, _at: Millis, value: f64) -> Verdict {
        let (usual, spread) = (self.mean, self.deviation.max(f64::EPSILON));
        let distance = (value - usual).abs() / spread;
        let score = if self.count < 30 { 0.0 } else { 1.0 - 1.0 / (1.0 + distance / 10.0) };
        self.count = self.count.saturating_add(1);
        let weight = 1.0 / f64::from(self.count.min(200));
        self.mean += weight * (value - self.mean);
        self.deviation += weight * ((value - usual).abs() - self.deviation);
        let direction = if value < usual { Direction::Down } else { Direction::Up };
        Verdict { score, kind: Kind::Spike, direction, usual, spread }
    }
}
