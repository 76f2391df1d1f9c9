//! Series for the tests: chance that can be had again.

use crate::Millis;
use crate::detector::{Detector, Verdict};

/// SplitMix64.
#[derive(Clone, Debug)]
pub(super) struct Noise(u64);

impl Noise {
    pub(super) fn seeded(seed: u64) -> Self {
        // A seed of its own mixing: else the next seed's numbers were this one's, one later.
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// From 0 up to, but not including, 1.
    pub(super) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Mean 0, deviation 1.
    pub(super) fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// A detector, and the time of its newest sample; one comes every `step` milliseconds.
pub(super) struct Series {
    pub(super) detector: Detector,
    pub(super) at: Millis,
    pub(super) step: Millis,
}

impl Series {
    pub(super) fn every(step: Millis) -> Self {
        Self { detector: Detector::default(), at: 1_800_000_000_000, step }
    }

    pub(super) fn judge(&mut self, value: f64) -> Verdict {
        self.at = self.at.saturating_add(self.step);
        self.detector.judge(self.at, value)
    }

    /// Judges so many samples, and gives the rows and verdicts from 0.9 on.
    pub(super) fn alarms(&mut self, rows: usize, mut value: impl FnMut(usize) -> f64) -> Vec<(usize, Verdict)> {
        let mut alarms = Vec::new();
        for row in 0..rows {
            let verdict = self.judge(value(row));
            if verdict.score >= 0.9 {
                alarms.push((row, verdict));
            }
        }
        alarms
    }
}
