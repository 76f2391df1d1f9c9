//! When whoever is refused for want of room is told so. A connection that were refused at once would bring the next request at once, and saying
//! no would take the time that there is for work.

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::time::Instant;

/// How long it takes at the least: somebody's seat is free again by then.
pub(super) const AT_LEAST: Duration = Duration::from_millis(100);

/// And at the most. With all connections that there may be in this line, that is some two thousand refusals a second.
pub(super) const AT_MOST: Duration = Duration::from_secs(4);

/// One refusal after another, on one processor: a refusal costs some 0.1 ms, so that nine tenths of it are left for work.
const APART: Duration = Duration::from_millis(1);

/// The line of those who are refused. It has one place for each connection, and there are only so many of those.
#[derive(Debug)]
pub(super) struct Refusals {
    apart: Duration,
    begun: Instant,
    /// When the next one may be told, from the beginning.
    next: Mutex<Duration>,
}

impl Refusals {
    pub(super) fn new() -> Self {
        let processors = available_parallelism().map_or(1, NonZero::get);
        Self::on(u32::try_from(processors).unwrap_or(u32::MAX))
    }

    fn on(processors: u32) -> Self {
        let apart = APART.checked_div(processors).unwrap_or(APART);
        Self { apart, begun: Instant::now(), next: Mutex::default() }
    }

    /// Returns when one more may be told.
    pub(super) async fn turn(&self) {
        let kept_for = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = self.begun.elapsed();
            let kept_for = next.saturating_sub(now).clamp(AT_LEAST, AT_MOST);
            *next = now.saturating_add(kept_for).saturating_add(self.apart);
            kept_for
        };
        tokio::time::sleep(kept_for).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn few_are_told_soon_and_many_so_many_in_a_second_but_none_is_kept_for_ever() {
        let crowds = [(1, 1, 100), (1, 1001, 1100), (2, 1001, 600), (1, 8192, 4000)];
        for (processors, refused, last_after_ms) in crowds {
            let refusals = Refusals::on(processors);
            let begun = Instant::now();
            let turns = futures_util::future::join_all((0..refused).map(|_| async {
                refusals.turn().await;
                begun.elapsed()
            }));
            let turns = turns.await;
            let last = Duration::from_millis(last_after_ms);
            let ends = (turns.iter().min().copied(), turns.iter().max().copied());
            assert_eq!(ends, (Some(AT_LEAST), Some(last)), "{refused} on {processors}");
            // Who comes after the crowd is not kept for it.
            tokio::time::sleep(AT_MOST).await;
            let begun = Instant::now();
            refusals.turn().await;
            assert_eq!(begun.elapsed(), AT_LEAST);
        }
    }
}
