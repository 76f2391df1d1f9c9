//! An alarm of a series that is open.

use serde::{Deserialize, Serialize};

use super::Finding;

/// What is worse is followed by this part of the way, so that one second does not say alone how bad it is.
const FOLLOWS: f64 = 0.25;

/// An alarm that is open.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) by: By,
    pub(super) slots: u16,
    pub(super) finding: Finding,
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
        Self { by, slots: 0, finding }
    }

    /// Takes a strange second. A calm one, between two peaks or at the end, says nothing of how bad it was.
    pub(super) fn worsen(&mut self, now: f64) {
        self.finding.now += FOLLOWS * (self.finding.worse(now) - self.finding.now);
    }
}
