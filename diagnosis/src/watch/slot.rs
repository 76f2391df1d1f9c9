//! A second of a series, as three numbers: whatever the rate, alarms are counted in seconds.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::detector::{Direction, Kind, Verdict};

/// How long a slot is. What is sampled less often has a slot for each sample.
pub(super) const SLOT_MS: Millis = 1000;

/// So many samples' steps make up the swing, so that one sample a second does not say it alone.
const SWING_SAMPLES: f64 = 20.0;

/// A step counts as at most so many usual ones: a jump is a matter of level, not of swing.
const MOST_STEP: f64 = 4.0;

/// The second that is being filled.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Slot {
    number: i64,
    count: u32,
    first: f64,
    sum: f64,
    low: f64,
    high: f64,
    last: f64,
    steps: f64,
    swing: f64,
    /// How many samples the swing stands for, at most [`SWING_SAMPLES`].
    swung: f64,
    strangest: Option<Strangest>,
}

/// What the detector says of the strangest sample of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Strangest {
    pub(super) score: f64,
    pub(super) kind: Kind,
    pub(super) direction: Direction,
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
    pub(super) strangest: Option<Strangest>,
}

impl Slot {
    /// Takes a sample; gives the slot before it when it begins another one. `least_step` is how far a step may go at least and count whole.
    pub(super) fn take(&mut self, at: Millis, value: f64, verdict: &Verdict, least_step: f64) -> Option<Second> {
        let number = at.div_euclid(SLOT_MS);
        let full = (self.count > 0 && number != self.number).then(|| self.close(number));
        if self.count == 0 {
            (self.number, self.first, self.low, self.high) = (number, value, value, value);
            if full.is_none() {
                self.last = value;
            }
        }
        self.count = self.count.saturating_add(1);
        self.sum += value - self.first;
        (self.low, self.high) = (self.low.min(value), self.high.max(value));
        self.steps += (value - self.last).abs().min(MOST_STEP * self.swing.max(least_step));
        self.last = value;
        if self.strangest.is_none_or(|strangest| strangest.score < verdict.score) {
            self.strangest = Some(Strangest { score: verdict.score, kind: verdict.kind, direction: verdict.direction });
        }
        full
    }

    fn close(&mut self, next: i64) -> Second {
        let count = f64::from(self.count);
        self.swing += count / (count + self.swung) * (self.steps / count - self.swing);
        self.swung = (self.swung + count).min(SWING_SAMPLES);
        let second = Second {
            at: self.number.saturating_mul(SLOT_MS),
            steps: next.saturating_sub(self.number),
            level: self.first + self.sum / count,
            low: self.low,
            high: self.high,
            swing: self.swing,
            strangest: self.strangest,
        };
        *self = Self { number: self.number, last: self.last, swing: self.swing, swung: self.swung, ..Self::default() };
        second
    }
}
