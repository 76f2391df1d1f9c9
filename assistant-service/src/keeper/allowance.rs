//! How often a provider may be asked, whatever is thrown at the keeper: twice at once, then once in 30 s.

use std::time::Duration;

use rand_core::{OsRng, RngCore};
use tokio::time::{Instant, sleep_until};

const EVERY: Duration = Duration::from_secs(30);

/// What may still be asked: a bucket of two that gains one in 30 s. Every fetch takes of it, the regular ones too.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    /// When the bucket is full.
    full_at: Option<Instant>,
}

impl Allowance {
    /// Waits until the provider may be asked, and counts that it is. Given up while it waits, it counts nothing.
    pub(super) async fn take(&mut self) {
        if let Some(one_free) = self.full_at.and_then(|full| full.checked_sub(EVERY)) {
            sleep_until(one_free).await;
        }
        let now = Instant::now();
        self.full_at = self.full_at.map_or(now, |full| full.max(now)).checked_add(EVERY);
    }
}

/// Waits after failures: they double up to five minutes, each shortened by up to a half, so that keepers that failed
/// together do not come back together.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(300);

    pub(super) fn new() -> Self {
        Self(Self::FIRST)
    }

    pub(super) fn wait(&mut self, longest: Duration) -> Duration {
        let wait = self.0.min(longest);
        self.0 = self.0.saturating_mul(2).min(Self::LONGEST);
        jittered(wait)
    }

    pub(super) fn reset(&mut self) {
        self.0 = Self::FIRST;
    }
}

/// Between half of it and all of it.
pub(super) fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.5 + f64::from(OsRng.next_u32()) / f64::from(u32::MAX) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn two_at_once_and_then_one_in_thirty_seconds() {
        let begun = Instant::now();
        let mut allowance = Allowance::default();
        let mut taken = Vec::new();
        for _ in 0..5 {
            allowance.take().await;
            taken.push(begun.elapsed().as_secs());
        }
        assert_eq!(taken, [0, 0, 30, 60, 90]);
        // A long rest gives two, and not more.
        tokio::time::advance(Duration::from_secs(600)).await;
        let begun = Instant::now();
        let mut taken = Vec::new();
        for _ in 0..3 {
            allowance.take().await;
            taken.push(begun.elapsed().as_secs());
        }
        assert_eq!(taken, [0, 0, 30]);
    }

    #[test]
    fn waits_grow_to_a_bound_and_begin_anew_after_success() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..20).map(|_| backoff.wait(Backoff::LONGEST)).collect();
        assert!(waits[0] <= Backoff::FIRST && waits[19] >= Backoff::LONGEST / 2);
        assert!(waits.iter().all(|wait| *wait <= Backoff::LONGEST));
        backoff.reset();
        assert!(backoff.wait(Backoff::LONGEST) <= Backoff::FIRST);
    }
}
