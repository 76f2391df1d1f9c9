//! A second of a series, as three numbers: whatever the rate, alarms are counted in seconds.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::detector::{Direction, Kind, Verdict};

/// How long a slot is. What is sampled less often has a slot for each sample.
pub(super) const SLOT_MS: Millis = 1000;

/// So many samples' steps make up the swing, so that one sample a second does not say it alone.
const SWING_SAMPLES: f32 = 20.0;

/// A step counts as at most so many usual ones: a jump is a matter of level, not of swing.
const MOST_STEP: f64 = 4.0;

/// From how many spreads on a sample is far: what is usual at a time of day is a mean, which a few high values have made of what spikes.
const FAR: f64 = 3.0;

/// Larger values are taken as so large: they are kept in 32 bits, so that a series stays small.
const LARGEST: f64 = 1e30;

/// The second that is being filled.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Slot {
    number: i64,
    first: f64,
    sum: f64,
    last: f64,
    count: u32,
    low: f32,
    high: f32,
    steps: f32,
    swing: f32,
    /// How many samples the swing stands for, at most [`SWING_SAMPLES`].
    swung: f32,
    score: f32,
    strangest: Option<Strangest>,
    moves: bool,
}

/// What the detector says of the strangest sample of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Strangest {
    pub(super) strangeness: f32,
    pub(super) usual: f32,
    pub(super) kind: Kind,
    pub(super) direction: Direction,
    /// Whether it is much farther from what is usual than samples of this series are.
    pub(super) is_far: bool,
}

/// A full slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Second {
    /// When it began.
    pub(super) at: Millis,
    /// How many slots ago the one before it was.
    pub(super) steps: i64,
    /// The mean of its samples.
    pub(super) level: f64,
    /// The least and the most of them.
    pub(super) low: f64,
    pub(super) high: f64,
    /// How far from one sample to the next, on average.
    pub(super) swing: f64,
    /// Whether any of them was another value than the one before it.
    pub(super) moves: bool,
    /// The highest score of them.
    pub(super) score: f64,
    pub(super) strangest: Option<Strangest>,
}

impl Slot {
    /// Takes a sample; gives the slot before it when it begins another one. A step counts as at most
    /// four usual ones.
    pub(super) fn take(&mut self, at: Millis, value: f64, verdict: &Verdict, usual_step: f64) -> Option<Second> {
        let (number, value) = (at.div_euclid(SLOT_MS), value.clamp(-LARGEST, LARGEST));
        let full = (self.count > 0 && number != self.number).then(|| self.close(number));
        if self.count == 0 {
            (self.number, self.first, self.low, self.high) = (number, value, value as f32, value as f32);
            if full.is_none() {
                self.last = value;
            }
        }
        self.count = self.count.saturating_add(1);
        self.sum += value - self.first;
        (self.low, self.high) = (self.low.min(value as f32), self.high.max(value as f32));
        self.steps += (value - self.last).abs().min(MOST_STEP * usual_step) as f32;
        self.moves |= value != self.last;
        self.last = value;
        self.score = self.score.max(verdict.score as f32);
        let strangeness = verdict.strangeness as f32;
        if self.strangest.is_none_or(|strangest| strangest.strangeness < strangeness) {
            let Verdict { kind, direction, usual, spread, .. } = *verdict;
            let is_far = (value - usual).abs() >= FAR * spread;
            self.strangest = Some(Strangest { strangeness, usual: usual as f32, kind, direction, is_far });
        }
        full
    }

    /// A slot of another series that swings alike.
    pub(super) fn heir(&self) -> Self {
        Self { swing: self.swing, swung: self.swung, ..Self::default() }
    }

    fn close(&mut self, next: i64) -> Second {
        let count = self.count as f32;
        self.swing += count / (count + self.swung) * (self.steps / count - self.swing);
        self.swung = (self.swung + count).min(SWING_SAMPLES);
        let second = Second {
            at: self.number.saturating_mul(SLOT_MS),
            steps: next.saturating_sub(self.number),
            level: self.first + self.sum / f64::from(self.count),
            low: f64::from(self.low),
            high: f64::from(self.high),
            swing: f64::from(self.swing),
            moves: self.moves,
            score: f64::from(self.score),
            strangest: self.strangest,
        };
        *self = Self { number: self.number, last: self.last, swing: self.swing, swung: self.swung, ..Self::default() };
        second
    }
}
