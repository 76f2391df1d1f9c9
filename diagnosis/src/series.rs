//! One metric of one device, in one build and one scene: brings its samples into an order that a detector can take.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::detector::{Detector, Verdict};

/// How late a sample may be, against the newest of its series, and still count.
pub const LATEST_MS: Millis = 60_000;

/// Which series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SeriesKey {
    /// The device.
    pub device: String,
    /// What it runs.
    pub build: String,
    /// Where in it.
    pub scene: String,
    /// What is measured.
    pub metric: String,
}

/// What is known of a series; at most 2 KiB.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Series {
    newest: Millis,
    detector: Detector,
}

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Taken {
    /// It was judged.
    Judged(Verdict),
    /// It is not a number, or was there before.
    LeftOut,
    /// It is older than [`LATEST_MS`].
    TooLate,
}

impl Series {
    /// A series of which nothing is known yet.
    pub fn new(at: Millis) -> Self {
        Self { newest: at.saturating_sub(1), detector: Detector::default() }
    }

    /// A series that begins with what is known of another one: the same device and scene, another build.
    pub fn heir_of(other: &Self, at: Millis) -> Self {
        Self { newest: at.saturating_sub(1), detector: other.detector.clone() }
    }

    /// Takes a sample. One that comes late is judged by what is known now, and does not turn time back.
    pub fn take(&mut self, at: Millis, value: f64) -> Taken {
        if !value.is_finite() || at == self.newest {
            return Taken::LeftOut;
        }
        if at < self.newest.saturating_sub(LATEST_MS) {
            return Taken::TooLate;
        }
        self.newest = self.newest.max(at);
        Taken::Judged(self.detector.judge(self.newest, value))
    }

    /// When its newest sample was taken.
    pub fn newest(&self) -> Millis {
        self.newest
    }
}
