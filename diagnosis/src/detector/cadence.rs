//! How often samples come: what is needed to see that none comes any more.

use serde::{Deserialize, Serialize};

use crate::Millis;

/// How many samples the usual distance is made of.
const MEMORY: f64 = 50.0;

/// After how many samples a long wait is half forgotten.
const FORGETS: f64 = 2000.0;

/// The distances between samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cadence {
    newest: Millis,
    usual: f32,
    longest: f32,
    count: u16,
}

impl Cadence {
    /// How far samples are usually apart, in milliseconds; `None` before it can be known.
    pub fn usual(&self) -> Option<f64> {
        (self.count >= 10).then_some(f64::from(self.usual))
    }

    /// The longest that none came, of what is not forgotten, in milliseconds; `None` before it can be known.
    pub fn longest(&self) -> Option<f64> {
        (self.count >= 10).then_some(f64::from(self.longest))
    }

    pub(super) fn take(&mut self, at: Millis) {
        let distance = at.saturating_sub(self.newest).max(0) as f32;
        self.newest = self.newest.max(at);
        self.count = self.count.saturating_add(1);
        match self.count {
            1 => {}
            2 => (self.usual, self.longest) = (distance, distance),
            _ => {
                let weight = 1.0 / f32::from(self.count).min(MEMORY as f32);
                // One long wait says little about what is usual.
                self.usual += weight * (distance.min(4.0 * self.usual.max(1.0)) - self.usual);
                self.longest = (self.longest * (0.5_f64.powf(1.0 / FORGETS) as f32)).max(distance);
            }
        }
    }
}
