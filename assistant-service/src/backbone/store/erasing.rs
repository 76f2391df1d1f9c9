//! Erasing what has been let go, a little at a time: nobody who has something to keep waits for it.

use std::time::{Duration, Instant};

use super::{Ledger, is_full};

/// Between two steps at least; after one that took long, so many times as long: others are to have most of the time.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_PER_STEP: u32 = 3;

/// Between two tries after a failure.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Rows that one step looks at, few enough that nobody waits for it.
const ROWS: u32 = 2000;

/// On a full disk: each row may touch a page for every term that it has, and all of them go through the log.
const ROWS_WITHOUT_ROOM: u32 = 100;

/// When to erase next.
#[derive(Debug, Default)]
pub(in crate::backbone) struct Erasing {
    next: Option<Instant>,
    is_short_of_room: bool,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backbone) enum Step {
    /// It was not the time for one.
    NotDue,
    /// Some was erased, or there was nothing left.
    Done,
    /// There is no room to erase in.
    Full,
    /// It failed for another reason.
    Failed,
}

impl Erasing {
    /// To be called whenever something may have been let go.
    pub(in crate::backbone) fn wake(&mut self) {
        self.next.get_or_insert_with(Instant::now);
    }

    /// Goes on in steps that need little room.
    pub(in crate::backbone) fn go_on_short_of_room(&mut self) {
        self.is_short_of_room = true;
    }

    /// To be called when room was made.
    pub(in crate::backbone) fn go_on_at_once(&mut self) {
        self.next = Some(Instant::now());
    }

    /// Whether something is left.
    pub(in crate::backbone) fn is_under_way(&self) -> bool {
        self.next.is_some()
    }

    /// Whether the log should be empty before each step.
    pub(in crate::backbone) fn is_short_of_room(&self) -> bool {
        self.is_short_of_room
    }

    /// How long a writer without work may sleep.
    pub(in crate::backbone) fn pause(&self, otherwise: Duration) -> Duration {
        self.next.map_or(otherwise, |next| next.saturating_duration_since(Instant::now()).min(otherwise))
    }

    /// Takes a step if it is time for one.
    pub(in crate::backbone) fn step(&mut self, ledger: &mut Ledger) -> Step {
        let begun = Instant::now();
        if self.next.is_none_or(|next| next > begun) {
            return Step::NotDue;
        }
        let rows = if self.is_short_of_room { ROWS_WITHOUT_ROOM } else { ROWS };
        let (pause, step) = match ledger.erase_some(rows) {
            // Nobody else has anything to commit then.
            Ok(true) if self.is_short_of_room => (Some(Duration::ZERO), Step::Done),
            Ok(true) => (Some(begun.elapsed().saturating_mul(PAUSE_PER_STEP).max(PAUSE)), Step::Done),
            Ok(false) => {
                self.is_short_of_room = false;
                (None, Step::Done)
            }
            Err(error) => {
                tracing::error!(%error, "events that were let go could not be erased");
                (Some(AGAIN_AFTER), if is_full(&error) { Step::Full } else { Step::Failed })
            }
        };
        self.next = pause.and_then(|pause| Instant::now().checked_add(pause));
        step
    }
}
