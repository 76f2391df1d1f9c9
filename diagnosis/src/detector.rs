//! Judges one series sample by sample: one configuration for all data, no look-ahead, no training.
//!
//! A sample's walk: several `signs` (the value, its step, means of several lengths, the width, a run of equals, the time of day) →
//! how rare each is by the highest peaks (`tail`) of its own past → one rarity → what of it is `news` → a score.

mod cadence;
mod day;
mod level;
mod news;
mod parameters;
mod rarity;
mod signs;
mod tail;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::cadence::Cadence;
use self::day::Day;
use self::level::{Level, learn_width};
use self::news::News;
use self::parameters::{
    DECADES_OF_SCORE, DRIFT_SAMPLES, EXPECTATION_WEIGHT, LEAST_REPEATS, SHIFT_SAMPLES, WIDTH_SAMPLES,
};
use self::signs::{Height, SIGNS};
use self::tail::Tail;
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
    /// How strange it is, and new, from 0 (not at all) to 1; what the numbers mean is said at [`Detector`].
    pub score: f64,
    /// How strange it is, new or not: it stays high while something lasts, where `score` tells it once.
    pub strangeness: f64,
    /// What is strangest about it.
    pub kind: Kind,
    /// Which way.
    pub direction: Direction,
    /// What was usual before.
    pub usual: f64,
    /// How far from `usual` samples usually are (one standard deviation of a normal distribution, estimated robustly).
    pub spread: f64,
}

/// What is known of a series: at most 2 KiB, however long it is.
///
/// A score of 0.9 is where an alarm is worth its while; each further 9 stands for something about thirty times rarer, by what this very
/// series did before. A series that does the same again, or goes on doing it, scores 0 until that is long ago.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Detector {
    count: u32,
    /// What all values are counted from, so that little is lost where they are large and differ little.
    origin: f64,
    level: Level,
    expected: f64,
    /// How far samples usually are from what was expected, and the last ones.
    usual_width: f64,
    width: f64,
    shift_mean: f64,
    drift_mean: f64,
    newest: f64,
    run: u32,
    repeats: u32,
    day: Day,
    tails: [Tail; SIGNS],
    news: News,
    cadence: Cadence,
}

/// Larger values, of whatever sign, are taken as so large: their squares must be numbers too.
const LARGEST: f64 = 1e30;

/// Samples before anything is learned of tails: the first distances are from a level that nobody knows yet.
const FIRST: u32 = 10;

/// Of a scale, what is never told from nothing.
const LEAST_OF_SCALE: f64 = 1e-3;

impl Detector {
    /// Judges the next sample, and learns from it. `at` must not be before the sample before; what is not a number is not
    /// strange, and changes nothing.
    pub fn judge(&mut self, at: Millis, value: f64) -> Verdict {
        if !value.is_finite() {
            return self.nothing(value);
        }
        self.cadence.take(at);
        if self.count == 0 {
            self.count = 1;
            self.origin = value.clamp(-LARGEST, LARGEST);
            return self.nothing(value);
        }
        let clamped = value.clamp(-LARGEST, LARGEST) - self.origin;
        let scale = self.level.scale((self.level.mean + self.origin).abs());
        let (heights, usual, distance) = self.heights(at, clamped, scale);
        let (rarity, sign) = rarity::of(&heights, &self.tails, self.count);
        self.learn(clamped, scale, &heights);
        let by_value = if clamped < usual { Direction::Down } else { Direction::Up };
        let verdict = Verdict {
            score: score(self.news.of(rarity, self.count)),
            strangeness: score(rarity),
            kind: sign.kind,
            direction: sign.direction.unwrap_or(by_value),
            usual: usual + self.origin,
            spread: distance * SIGMA_OF_MEAN_DISTANCE,
        };
        self.count = self.count.saturating_add(1);
        verdict
    }

    /// How often samples come.
    pub fn cadence(&self) -> Cadence {
        self.cadence
    }

    /// How far each sign stands out, what is usual, and how far from it samples usually are.
    fn heights(&mut self, at: Millis, value: f64, scale: f64) -> ([Option<Height>; SIGNS], f64, f64) {
        let level = self.level.mean;
        let least = LEAST_OF_SCALE * scale;
        let step = value - self.expected;
        // Of a mean's first samples none weighs more than the others, or it would begin with the luck of the first one.
        let seen = f64::from(self.count) + 1.0;
        self.shift_mean += (value - self.shift_mean) / SHIFT_SAMPLES.min(seen);
        self.drift_mean += (value - self.drift_mean) / DRIFT_SAMPLES.min(seen);
        let usual_width = self.usual_width.max(least);
        self.width += (step.abs() - self.width) / WIDTH_SAMPLES;
        let width = self.width.max(LEAST_OF_SCALE * usual_width);
        self.run = if value == self.newest { self.run.saturating_add(1) } else { 0 };
        self.repeats = self.repeats.saturating_add(u32::from(self.run > 0));
        self.newest = value;
        let off_day = self.day.take(at, value, level, least);
        let from = |foot: f64| move |height: f64| (height > foot).then_some(Height::new(height, foot, least));
        let away = from(0.0);
        let wide = |ratio| Some(Height::new(ratio, 0.0, 1.0));
        let season = |sign: f64| off_day.and_then(|off| away(sign * off.recent));
        let heights = [
            // Beyond what was, and beyond what was so far from where the series stood: a ramp is always the former.
            from(level)(value),
            away(value - level),
            from(-level)(-value),
            away(level - value),
            away(step),
            away(-step),
            away(self.shift_mean - level),
            away(level - self.shift_mean),
            away(self.drift_mean - level),
            away(level - self.drift_mean),
            wide(self.width / usual_width),
            wide(usual_width / width),
            self.run_height(),
            season(1.0),
            season(-1.0),
        ];
        let (usual, distance) = off_day.map_or((level, scale), |off| (off.usual, off.distance.max(least)));
        (heights, usual, distance)
    }

    /// How long the same value came; chance alone makes runs of values that often repeat.
    fn run_height(&self) -> Option<Height> {
        let repeats = (f64::from(self.repeats) / f64::from(self.count)).max(LEAST_REPEATS);
        let run = f64::from(self.run);
        Some(Height { most: -run * repeats.log10() - 1.0, ..Height::new(run, 0.0, 1.0) })
    }

    fn learn(&mut self, value: f64, scale: f64, heights: &[Option<Height>; SIGNS]) {
        if self.count >= FIRST {
            for (tail, height) in self.tails.iter_mut().zip(heights) {
                if let Some(height) = height {
                    tail.learn(height.height, self.count);
                }
            }
        }
        let step = value - self.expected;
        learn_width(&mut self.usual_width, step.abs(), LEAST_OF_SCALE * scale, self.count);
        self.level.learn(value, scale, self.count);
        self.expected += EXPECTATION_WEIGHT * step;
    }

    /// The verdict on what cannot be strange.
    fn nothing(&self, value: f64) -> Verdict {
        let direction = if value < self.level.mean + self.origin { Direction::Down } else { Direction::Up };
        let usual = self.level.mean + self.origin;
        let spread = self.level.scale(usual.abs()) * SIGMA_OF_MEAN_DISTANCE;
        Verdict { score: 0.0, strangeness: 0.0, kind: Kind::Spike, direction, usual, spread }
    }
}

/// A normal distribution's deviation, by its mean distance from the mean: the root of half of pi.
const SIGMA_OF_MEAN_DISTANCE: f64 = 1.253_314_137_315_5;

/// Decades as a score in [0, 1).
fn score(rarity: f64) -> f64 {
    1.0 - 10.0_f64.powf(-rarity / DECADES_OF_SCORE)
}
