//! Says in the log how far something long has come.

use std::time::{Duration, Instant};

/// Between two lines. What takes less says nothing.
const TELL_EVERY: Duration = Duration::from_secs(2);

pub(super) struct Progress {
    what: &'static str,
    of: usize,
    done: usize,
    begun: Instant,
    told: Instant,
}

impl Progress {
    pub(super) fn new(what: &'static str, of: usize) -> Self {
        let begun = Instant::now();
        Self { what, of, done: 0, begun, told: begun }
    }

    /// One more is done.
    pub(super) fn step(&mut self) {
        self.done = self.done.saturating_add(1);
        if self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            let per_second = self.done as f64 / self.begun.elapsed().as_secs_f64();
            let left = self.of.saturating_sub(self.done);
            let (what, done, of) = (self.what, self.done, self.of);
            let per_second_rounded = per_second.round();
            let seconds_left = (left as f64 / per_second).ceil();
            tracing::info!(done, of, per_second = per_second_rounded, seconds_left, "{what}");
        }
    }
}
