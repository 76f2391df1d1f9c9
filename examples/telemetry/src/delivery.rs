//! The way from a device to whoever listens: late, out of order, or not at all.

use crate::condition::Condition;
use crate::dice::Dice;

/// How good the way is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delivery {
    /// The probability that one value is missing in its row.
    pub nulls: f64,
    /// The probability that a batch takes seconds.
    pub late: f64,
    /// By how many seconds it is late, at most.
    pub latest: f64,
    /// The probability that a batch never arrives.
    pub lost: f64,
    /// How long it is from one break of the way to the next, in the mean.
    pub breaks: f64,
    /// How long a break lasts, at most; what was to be told then arrives at once when it is over, or, as often, never.
    pub longest: f64,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { nulls: 0.0005, late: 0.002, latest: 40.0, lost: 0.0005, breaks: 2400.0, longest: 7.0 }
    }
}

/// The way of one device.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    dice: Dice,
    broken: Option<(f64, f64, bool)>,
    sent: f64,
    arrived: f64,
}

impl Way {
    pub(crate) fn new(seed: u64, device: &str) -> Self {
        Self { dice: Dice::seeded(seed, &format!("the way of {device}")), broken: None, sent: 0.0, arrived: 0.0 }
    }

    /// When something that is sent at `at` arrives, in seconds; never, perhaps.
    pub(crate) fn arrival(&mut self, delivery: &Delivery, at: f64, condition: &Condition) -> Option<f64> {
        let dice = &mut self.dice;
        let passed = at - self.sent;
        self.sent = at;
        if self.broken.is_none_or(|(_, until, _)| at >= until) {
            let begins = dice.chance(1.0 - libm::exp(-passed / delivery.breaks));
            self.broken = begins.then(|| (at, at + dice.between(1.0, delivery.longest), dice.chance(0.5)));
        }
        let usual = 0.03 + dice.wait(0.012);
        let arrives = match self.broken {
            Some((_, until, is_lost)) => (!is_lost).then_some(until + usual),
            None if dice.chance(delivery.lost) => None,
            None if dice.chance(delivery.late) => Some(at + dice.between(0.5, delivery.latest)),
            None => Some(at + usual + dice.share() * condition.late),
        };
        self.arrived = self.arrived.max(arrives.unwrap_or_default());
        arrives
    }

    /// When the last word of a session that ends at `at` arrives: certainly, and after all that was said before.
    pub(crate) fn end(&self, at: f64) -> f64 {
        self.arrived.max(at + 0.05)
    }
}
