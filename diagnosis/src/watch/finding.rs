//! What an alarm says.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::detector::{Direction, Kind};

/// What an alarm says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What is strange.
    pub kind: Kind,
    /// Which way.
    pub direction: Direction,
    /// When it began to be so.
    pub began_at: Millis,
    /// What was usual before: of the level, for swing and flatlines of the step from one sample to the next.
    pub before: f64,
    /// What it was instead at the worst so far, smoothed over some seconds. It stays when all is well again.
    pub now: f64,
    /// The highest score since.
    pub score: f64,
}

impl Finding {
    /// Of two values the one that is farther off in its direction.
    pub(crate) fn worse(&self, value: f64) -> f64 {
        match self.direction {
            Direction::Up => self.now.max(value),
            Direction::Down => self.now.min(value),
        }
    }
}

/// What becomes of a series' alarm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signal {
    /// It opens, or is open.
    Open(Finding),
    /// It closes.
    Closed,
}
