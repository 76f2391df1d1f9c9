//! How long to wait before asking again, and how often.

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::gateway::AgentError;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(15);

/// Waits that double up to a bound, each shortened by up to a half, so that clients that failed together do not come back
/// together.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
    spread: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::up_to(LONGEST)
    }
}

impl Backoff {
    /// Waits that begin at a quarter of a second and grow to `longest`.
    #[must_use]
    pub fn up_to(longest: Duration) -> Self {
        // The standard library's own randomness tells agents apart; a process number does not, it is 1 in every container.
        let [a, b, c, d, ..] = RandomState::new().build_hasher().finish().to_ne_bytes();
        Self { next: FIRST.min(longest), longest, spread: u32::from_ne_bytes([a, b, c, d]) }
    }

    /// How long to wait this time.
    pub fn wait(&mut self) -> Duration {
        let longest = self.next;
        self.next = longest.saturating_mul(2).min(self.longest);
        // A linear congruential step (Numerical Recipes): spread needs no better randomness.
        self.spread = self.spread.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let share = f64::from(self.spread) / f64::from(u32::MAX);
        longest.mul_f64(0.5 + share / 2.0)
    }

    /// Begins anew, after a success.
    pub fn reset(&mut self) {
        self.next = FIRST.min(self.longest);
    }
}

/// Calls until it goes through, and says when that call was begun. Gives up on an error that does not pass, and when the
/// next call would begin after `patience`.
pub(crate) async fn insist<F>(patience: Duration, call: impl Fn() -> F) -> Result<Instant, AgentError>
where
    F: Future<Output = Result<(), AgentError>>,
{
    let begun = Instant::now();
    let mut backoff = Backoff::default();
    loop {
        let sent = Instant::now();
        let Err(error) = call().await else { return Ok(sent) };
        let wait = backoff.wait();
        if !error.may_pass() || begun.elapsed().saturating_add(wait) > patience {
            return Err(error);
        }
        tracing::warn!(%error, "a call did not go through; it is made again");
        sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_begin_anew_after_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..20).map(|_| backoff.wait()).collect();
        assert!(waits.iter().all(|wait| *wait <= LONGEST) && waits[0] <= FIRST && waits[19] >= LONGEST / 2);
        backoff.reset();
        assert!(backoff.wait() <= FIRST);
    }

    #[test]
    fn two_agents_of_the_same_process_number_do_not_wait_alike() {
        let [mut one, mut other] = [Backoff::default(), Backoff::default()];
        assert_ne!([one.wait(), one.wait()], [other.wait(), other.wait()]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_that_may_pass_is_borne_for_as_long_as_the_patience_and_no_longer() {
        let begun = Instant::now();
        let last = Cell::new(Duration::ZERO);
        let patience = Duration::from_secs(20);
        let away = insist(patience, || {
            last.set(begun.elapsed());
            async { Err(AgentError::Refused(503)) }
        });
        assert!(matches!(away.await, Err(AgentError::Refused(503))));
        assert!(last.get() > patience / 4 && last.get() <= patience, "the last call was begun after {:?}", last.get());
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_that_does_not_pass_is_not_borne_at_all() {
        let begun = Instant::now();
        for error in [AgentError::LeaseLost, AgentError::Refused(403)] {
            let error = Cell::new(Some(error));
            let refused = insist(Duration::MAX, || std::future::ready(error.take().map_or(Ok(()), Err))).await;
            assert!(refused.is_err() && begun.elapsed().is_zero());
        }
    }
}
