//! What a collector has done so far, and how it is said.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::spool::Spool;

/// Of one kind of trouble, one line in this time; the others are counted.
const QUIET: Duration = Duration::from_secs(10);

/// Whoever shows what a collector does.
pub trait Voice: Send + Sync {
    /// Something that has happened. The text may hold what others have said.
    fn say(&self, what: &str);

    /// How things stand, five times a second.
    fn show(&self, progress: &Progress);
}

/// How things stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// The device.
    pub device: String,
    /// Read in the last seconds, for each of them.
    pub samples_per_second: f64,
    /// Values that were read.
    pub samples: u64,
    /// Events that the gateway has taken.
    pub sent: u64,
    /// Events that wait on disk.
    pub waiting: u64,
    /// Events that are gone and were never taken: the spool was full, could not be read, or could not be written to until the end.
    pub lost: u64,
    /// Events that will never be taken, and lie in `refused`.
    pub refused: u64,
    /// Lines of the game that say nothing.
    pub bad_lines: u64,
    /// Members of lines that nobody knows.
    pub ignored: u64,
    /// Figures of the console for which there was no room.
    pub dropped: u64,
    /// Whether the gateway took the last post; nothing before the first.
    pub is_gateway_up: Option<bool>,
    /// Whether the portal is heard; nothing where there is none.
    pub is_portal_up: Option<bool>,
}

/// Counts, from all parts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) samples: AtomicU64,
    pub(crate) sent: AtomicU64,
    waiting: AtomicU64,
    lost_in_spool: AtomicU64,
    /// Events that never came into the spool.
    pub(crate) unkept: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) bad_lines: AtomicU64,
    pub(crate) ignored: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) gateway: Standing,
    pub(crate) portal: Standing,
}

/// Whether somebody is there for us, and if not, why.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    last: Mutex<Option<Result<(), String>>>,
}

impl Standing {
    /// Says whether that is news: another reason is, the same one again is not.
    pub(crate) fn turns_up(&self) -> bool {
        self.becomes(Ok(()))
    }

    /// Says whether that is news.
    pub(crate) fn goes_down(&self, reason: String) -> bool {
        self.becomes(Err(reason))
    }

    fn becomes(&self, now: Result<(), String>) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = last.as_ref() != Some(&now);
        *last = Some(now);
        is_news
    }

    fn state(&self) -> Option<bool> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Result::is_ok)
    }
}

impl Tally {
    /// How things stand in the spool.
    pub(crate) fn spool_is(&self, spool: &Spool) {
        self.waiting.store(spool.waiting(), Ordering::Relaxed);
        self.lost_in_spool.store(spool.lost(), Ordering::Relaxed);
    }

    /// As it is now, but for the device and the rate.
    pub(crate) fn progress(&self) -> Progress {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Progress {
            device: String::new(),
            samples_per_second: 0.0,
            samples: read(&self.samples),
            sent: read(&self.sent),
            waiting: read(&self.waiting),
            lost: read(&self.lost_in_spool).saturating_add(read(&self.unkept)),
            refused: read(&self.refused),
            bad_lines: read(&self.bad_lines),
            ignored: read(&self.ignored),
            dropped: read(&self.dropped),
            is_gateway_up: self.gateway.state(),
            is_portal_up: self.portal.state(),
        }
    }
}

/// Adds to a count.
pub(crate) fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

/// Says one kind of trouble no more often than somebody can read it.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    last: Mutex<Option<(Instant, u64)>>,
}

impl Seldom {
    /// What to say of this one, if anything.
    pub(crate) fn said(&self, what: impl FnOnce() -> String) -> Option<String> {
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *last {
            Some((said, held)) if now.saturating_duration_since(*said) < QUIET => {
                *held = held.saturating_add(1);
                None
            }
            before => {
                let held = before.map_or(0, |(_, held)| held);
                *before = Some((now, 0));
                Some(if held == 0 { what() } else { format!("{} ({held} more since the last one told)", what()) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_reason_is_news_and_the_same_one_again_is_not() {
        let standing = Standing::default();
        assert_eq!(standing.state(), None);
        let told = ["away", "away", "token", "away"].map(|reason| standing.goes_down(reason.to_owned()));
        assert_eq!((told, standing.state()), ([true, false, true, true], Some(false)));
        assert_eq!([standing.turns_up(), standing.turns_up()], [true, false]);
        assert_eq!(standing.state(), Some(true));
    }
}
