//! How long to wait before asking again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(15);

/// Waits that double up to 15 s, each shortened by up to a half, so that agents that failed together do not come back
/// together.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    spread: u32,
}

impl Backoff {
    /// `seed` tells agents apart.
    pub(crate) fn new(seed: u32) -> Self {
        Self { next: FIRST, spread: seed | 1 }
    }

    pub(crate) fn wait(&mut self) -> Duration {
        let longest = self.next;
        self.next = longest.saturating_mul(2).min(LONGEST);
        // A linear congruential step (Numerical Recipes): spread needs no better randomness.
        self.spread = self.spread.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let share = f64::from(self.spread) / f64::from(u32::MAX);
        longest.mul_f64(0.5 + share / 2.0)
    }

    pub(crate) fn reset(&mut self) {
        self.next = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_begin_anew_after_success() {
        let mut backoff = Backoff::new(7);
        let waits: Vec<_> = (0..20).map(|_| backoff.wait()).collect();
        assert!(waits.iter().all(|wait| *wait <= LONGEST) && waits[0] <= FIRST && waits[19] >= LONGEST / 2);
        backoff.reset();
        assert!(backoff.wait() <= FIRST);
    }
}
