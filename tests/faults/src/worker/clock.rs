//! A wall clock that somebody sets again and again.

use std::time::Duration;

use assistant_service::clock::{Clock, SystemClock};
use time::OffsetDateTime;

/// Right, an hour fast, right, an hour slow, and so on.
pub(crate) struct StepClock {
    pub(crate) every: Duration,
}

impl Clock for StepClock {
    fn now(&self) -> OffsetDateTime {
        let steps = self.elapsed().as_millis() / self.every.as_millis().max(1);
        let now = SystemClock.now();
        match steps % 4 {
            1 => now + time::Duration::hours(1),
            3 => now - time::Duration::hours(1),
            _ => now,
        }
    }

    fn elapsed(&self) -> Duration {
        SystemClock.elapsed()
    }
}
