//! Models that failed are not asked for a while, so that not every question waits for the same failure.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Whether a model rests. Times are those of [`crate::clock::Clock::elapsed`].
#[derive(Debug, Default)]
pub(super) struct Rest(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// One after the other.
    failures: u32,
    until: Duration,
}

impl Rest {
    /// Whether the model may be asked. After a rest one question tries it; the others wait until that one knows.
    pub(super) fn is_over(&self, now: Duration) -> bool {
        let mut state = self.lock();
        let is_over = state.failures == 0 || now >= state.until;
        if is_over && state.failures > 0 {
            state.until = now.saturating_add(length(state.failures));
        }
        is_over
    }

    /// The model failed; it may have said for how long it wants to be left alone.
    pub(super) fn begin(&self, now: Duration, wanted: Option<Duration>) {
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        let length = length(state.failures).max(wanted.unwrap_or_default()).min(LONGEST);
        state.until = now.saturating_add(length);
    }

    /// The model answers.
    pub(super) fn end(&self) {
        *self.lock() = State::default();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn length(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST.saturating_mul(doubled).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn rests_grow_to_a_minute_and_end_with_an_answer() {
        let rest = Rest::default();
        let mut now = seconds(100);
        for length in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(rest.is_over(now));
            rest.begin(now, None);
            assert!(!rest.is_over(now + seconds(length) - Duration::from_millis(1)), "{length}");
            now += seconds(length);
        }
        assert!(rest.is_over(now), "one tries it");
        assert!(!rest.is_over(now), "and only one");
        rest.end();
        assert!(rest.is_over(now) && rest.is_over(now), "all may ask again");
        rest.begin(now, None);
        assert!(rest.is_over(now + seconds(1)), "it begins anew");
    }

    #[test]
    fn a_model_may_say_how_long_and_for_no_longer_than_a_minute() {
        let rest = Rest::default();
        rest.begin(seconds(0), Some(seconds(20)));
        assert!(!rest.is_over(seconds(19)) && rest.is_over(seconds(20)));
        rest.begin(seconds(20), Some(seconds(86_400)));
        assert!(!rest.is_over(seconds(79)) && rest.is_over(seconds(80)));
    }
}
