//! One metric of one device, in one build and one scene: brings its samples into an order that a detector can take.

mod order;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use self::order::{Order, Place};
use crate::Millis;
use crate::detector::{Detector, Verdict};
use crate::watch::{Signal, Watch};

/// How late a sample may be, against the newest of its series, and still count.
pub const LATEST_MS: Millis = 60_000;

/// Which series.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    order: Order,
    detector: Detector,
    watch: Watch,
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
        Self { order: Order::before(at), detector: Detector::default(), watch: Watch::default() }
    }

    /// A series that begins with what is known of another one: the same device and scene, another build.
    pub fn heir_of(other: &Self, at: Millis) -> Self {
        Self { order: Order::before(at), detector: other.detector.clone(), watch: other.watch.heir() }
    }

    /// Takes a sample. One that comes late is judged by what is known now, and does not turn time back.
    pub fn take(&mut self, at: Millis, value: f64) -> Taken {
        if !value.is_finite() {
            return Taken::LeftOut;
        }
        match self.order.place(at) {
            Place::Next | Place::Late => Taken::Judged(self.detector.judge(self.order.newest(), value)),
            Place::Double => Taken::LeftOut,
            Place::TooLate => Taken::TooLate,
        }
    }

    /// Watches what the samples that were judged come to: whether an alarm begins, goes on or ends.
    pub fn watch(&mut self, value: f64, verdict: &Verdict) -> Option<Signal> {
        self.watch.take(self.order.newest(), value, verdict)
    }

    /// When its newest sample was taken.
    pub fn newest(&self) -> Millis {
        self.order.newest()
    }
}
