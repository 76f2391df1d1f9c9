//! What time does to the matters of a watch: insights are told anew when they count more, and end; what came to nothing goes.

use std::time::Duration;

use super::Follower;
use crate::clock::millis;
use crate::insights::book::{Interrupted, Step};
use crate::insights::telling::{self, Said};
use crate::insights::window::{Phase, Window};

/// An insight is told anew no more often.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Changed in one step; the others follow a second later.
const WINDOWS_PER_STEP: usize = 64;

/// What is to be done with a window.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    Nothing,
    Forget,
    Update,
    End,
}

impl Follower {
    /// Does what is due. Nothing ends before all that has come is counted.
    pub(in crate::insights) async fn sweep(&mut self, is_all_counted: bool) -> Result<(), Interrupted> {
        let now = self.state.clock.now();
        let due = self.book.windows.iter().map(|(digest, window)| (digest.clone(), self.due(window, millis(now))));
        let due = due.filter(|(_, due)| *due == Due::Update || *due != Due::Nothing && is_all_counted);
        let due: Vec<_> = due.take(WINDOWS_PER_STEP).collect();
        if due.is_empty() {
            return Ok(());
        }
        let mut step = Step::default();
        for (digest, due) in due {
            let Some(window) = self.book.windows.get_mut(&digest) else { continue };
            if let Some(tally) = window.tally() {
                let said = if due == Due::End { Said::Ended } else { Said::Updated };
                step.events.push(telling::event(&self.watch.name, window, tally, &said, now)?);
            }
            if due == Due::Update {
                window.is_told(millis(now));
            } else {
                self.book.windows.remove(&digest);
            }
            step.changed.insert(digest);
        }
        self.book.place.cursor = self.looked;
        self.book.write(step).await
    }

    fn due(&self, window: &Window, now: i64) -> Due {
        let is_past = |since: i64, wait: Duration| {
            u64::try_from(now.saturating_sub(since)).is_ok_and(|passed| Duration::from_millis(passed) >= wait)
        };
        match &window.phase {
            // Events may come late: twice the time in which they must have happened.
            Phase::Counting { .. } if is_past(window.counted_at, self.watch.window.saturating_mul(2)) => Due::Forget,
            Phase::Told { .. } if is_past(window.counted_at, self.watch.cooldown) => Due::End,
            Phase::Told { tally, told_at, told_count }
                if tally.count > *told_count && is_past(*told_at, TOLD_EVERY) =>
            {
                Due::Update
            }
            Phase::Counting { .. } | Phase::Waiting { .. } | Phase::Told { .. } => Due::Nothing,
        }
    }
}
