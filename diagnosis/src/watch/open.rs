//! An alarm of a series that is open.

use serde::{Deserialize, Serialize};

use super::Finding;

/// How bad it is is smoothed over so many seconds, so that one of them does not say it alone.
const SMOOTHS: f32 = 4.0;

/// An alarm that is open.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) by: By,
    pub(super) slots: u16,
    pub(super) finding: Finding,
    /// What it is of late, while it is strange.
    smoothed: f32,
}

/// Which number of a second is strange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum By {
    Level,
    Swing,
    Peak,
    Season,
}

impl Open {
    pub(super) fn new(by: By, finding: Finding) -> Self {
        Self { by, slots: 0, finding, smoothed: finding.now as f32 }
    }

    /// Takes a strange second. A calm one, between two peaks or at the end, says nothing of how bad it was.
    pub(super) fn worsen(&mut self, now: f64) {
        self.smoothed += (now as f32 - self.smoothed) / SMOOTHS;
        self.finding.now = self.finding.worse(f64::from(self.smoothed));
    }
}
