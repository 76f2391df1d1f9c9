//! When the service was last heard: by the time that has passed and by the wall clock, of which the longer counts, and across
//! restarts by what was written down. Nobody makes the silence shorter by restarting the keeper, by setting a clock back or
//! by suspending the machine.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::trust_folder::{Durability, Readers, TrustFolder, own};
use super::wall::{UnixMillis, now};
use crate::clock::Clock;

const FILE: &str = "heard";
const WRITTEN_EVERY: Duration = Duration::from_secs(5);

/// The last word of the service.
pub(super) struct Heard {
    trust: TrustFolder,
    clock: Arc<dyn Clock>,
    max_silence: Duration,
    state: Mutex<State>,
}

struct State {
    last: Option<Last>,
    written: Option<Instant>,
}

/// The last word.
#[derive(Clone, Copy)]
struct Last {
    /// How long ago it was, and since when that is so by both clocks: one stands still while the machine is suspended, the
    /// other may be set.
    ago: Duration,
    since: Instant,
    since_wall: UnixMillis,
}

impl Heard {
    /// Takes over what an earlier keeper has heard. A time that is still to come was written by a clock that has been set
    /// back since, and says nothing.
    pub(super) fn open(trust: TrustFolder, clock: Arc<dyn Clock>, max_silence: Duration) -> Self {
        let written = trust.read(&own(FILE), 64).ok().flatten();
        let at: Option<UnixMillis> = written.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.parse().ok());
        let since_wall = now(&*clock);
        let ago = at.and_then(|at| since_wall.checked_sub(at)).map(Duration::from_millis);
        let last = ago.map(|ago| Last { ago, since: Instant::now(), since_wall });
        Self { trust, clock, max_silence, state: Mutex::new(State { last, written: None }) }
    }

    /// The service has spoken, and what it said is in force.
    pub(super) fn now(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let since_wall = now(&*self.clock);
        state.last = Some(Last { ago: Duration::ZERO, since: Instant::now(), since_wall });
        if state.written.is_none_or(|written| written.elapsed() >= WRITTEN_EVERY) {
            state.written = Some(Instant::now());
            let text = since_wall.to_string();
            // A keeper that finds no word, or an older one, waits for the next.
            let _ = self.trust.write(&own(FILE), text.as_bytes(), Readers::Owner, Durability::Fleeting);
        }
    }

    /// What was heard before is lost.
    pub(super) fn forget(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).last = None;
    }

    pub(super) fn is_recent(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now(&*self.clock);
        state.last.is_some_and(|last| {
            let by_wall = Duration::from_millis(now.saturating_sub(last.since_wall));
            last.ago.saturating_add(last.since.elapsed().max(by_wall)) <= self.max_silence
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::wall::Standing;

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_was_suspended_has_heard_nothing_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Standing::new());
        let trust = TrustFolder::open(folder.path()).unwrap();
        let heard = Heard::open(trust, clock.clone(), Duration::from_secs(60));
        heard.now();
        // The time that passes for the process stands still.
        clock.step(60);
        assert!(heard.is_recent());
        clock.step(1);
        assert!(!heard.is_recent());
        // Nor does a clock that is set back make the silence shorter than what has passed.
        heard.now();
        clock.step(-3600);
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(!heard.is_recent());
    }
}
