//! When the service was last heard: by the time that has passed, and across restarts by what was written down. Nobody makes
//! the silence shorter by restarting the keeper or by setting a clock back.

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
    /// How long ago, and since when that is so.
    last: Option<(Duration, Instant)>,
    written: Option<Instant>,
}

impl Heard {
    /// Takes over what an earlier keeper has heard. A time that is still to come was written by a clock that has been set
    /// back since, and says nothing.
    pub(super) fn open(trust: TrustFolder, clock: Arc<dyn Clock>, max_silence: Duration) -> Self {
        let written = trust.read(&own(FILE), 64).ok().flatten();
        let at: Option<UnixMillis> = written.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.parse().ok());
        let ago = at.and_then(|at| now(&*clock).checked_sub(at)).map(Duration::from_millis);
        let last = ago.map(|ago| (ago, Instant::now()));
        Self { trust, clock, max_silence, state: Mutex::new(State { last, written: None }) }
    }

    /// The service has spoken, and what it said is in force.
    pub(super) fn now(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last = Some((Duration::ZERO, Instant::now()));
        if state.written.is_none_or(|written| written.elapsed() >= WRITTEN_EVERY) {
            state.written = Some(Instant::now());
            let text = now(&*self.clock).to_string();
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
        state.last.is_some_and(|(ago, since)| ago.saturating_add(since.elapsed()) <= self.max_silence)
    }
}
