//! Erasing what has been let go, a little at a time: nobody who has something to keep waits for it.

use std::time::{Duration, Instant};

use super::Ledger;

/// Between two steps at least; after one that took long, so many times as long: others are to have most of the time.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_PER_STEP: u32 = 3;

/// Between two tries after a failure.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// When to erase next.
#[derive(Debug, Default)]
pub(in crate::backbone) struct Erasing {
    next: Option<Instant>,
}

impl Erasing {
    /// To be called whenever something may have been let go.
    pub(in crate::backbone) fn wake(&mut self) {
        self.next.get_or_insert_with(Instant::now);
    }

    /// How long a writer without work may sleep.
    pub(in crate::backbone) fn pause(&self, otherwise: Duration) -> Duration {
        self.next.map_or(otherwise, |next| next.saturating_duration_since(Instant::now()).min(otherwise))
    }

    /// Takes a step if it is time for one; whether it did.
    pub(in crate::backbone) fn step(&mut self, ledger: &Ledger) -> bool {
        let begun = Instant::now();
        if self.next.is_none_or(|next| next > begun) {
            return false;
        }
        let erased = ledger.erase_some();
        let pause = match &erased {
            Ok(true) => Some(begun.elapsed().saturating_mul(PAUSE_PER_STEP).max(PAUSE)),
            Ok(false) => None,
            Err(error) => {
                tracing::error!(%error, "events that were let go could not be erased");
                Some(AGAIN_AFTER)
            }
        };
        self.next = pause.and_then(|pause| Instant::now().checked_add(pause));
        erased.is_ok()
    }
}
