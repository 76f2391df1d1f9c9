//! Erasing what has been let go, a little at a time: nobody who has something to keep waits for it.

use std::time::{Duration, Instant};

use super::Ledger;

/// Between two steps while others have work to do.
const EVERY: Duration = Duration::from_millis(50);

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

    /// Takes a step if it is time for one.
    pub(in crate::backbone) fn step(&mut self, ledger: &Ledger) {
        let now = Instant::now();
        if self.next.is_none_or(|next| next > now) {
            return;
        }
        self.next = match ledger.erase_some() {
            Ok(true) => now.checked_add(EVERY),
            Ok(false) => None,
            Err(error) => {
                tracing::error!(%error, "events that were let go could not be erased");
                now.checked_add(AGAIN_AFTER)
            }
        };
    }
}
