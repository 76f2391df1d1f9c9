//! How long this process has seen commands as they are. Every change of a held command is a sign of life of its holder, through
//! whichever replica it came, so a lease is lost when its record has stood still before our own eyes. A process that has just
//! started begins to count anew, for nobody could give it a sign of life before.

use std::collections::HashSet;
use std::time::Duration;

use time::OffsetDateTime;

use super::book::Commands;
use super::state::State;
use crate::backbone::Revision;
use crate::clock::{Clock, Sightings};

/// How long one command has been seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// Without any change.
    pub(super) unchanged_for: Duration,
    /// In its state, under its fence.
    pub(super) in_state_for: Duration,
}

/// What this process has seen of all open commands.
pub(super) struct TimeSeen {
    revisions: Sightings<String, Revision>,
    states: Sightings<String, (State, u64)>,
    /// Places, each with the command that has it, which nobody holds.
    places_left: Sightings<(String, String), ()>,
    /// The wall clock's time when the clock's own was zero, by what it said when this process began.
    origin: OffsetDateTime,
}

impl TimeSeen {
    pub(super) fn since_now(clock: &dyn Clock) -> Self {
        let origin = clock.now().saturating_sub(signed(clock.elapsed()));
        Self {
            revisions: Sightings::default(),
            states: Sightings::default(),
            places_left: Sightings::default(),
            origin,
        }
    }

    /// Sees a command in this revision, state and fence, and says for how long it has been seen so.
    pub(super) fn of(&self, (id, revision): (&str, Revision), state: (State, u64), elapsed: Duration) -> Seen {
        Seen {
            unchanged_for: self.revisions.seen_for(id.to_owned(), revision, elapsed),
            in_state_for: self.states.seen_for(id.to_owned(), state, elapsed),
        }
    }

    /// Forgets those that were not open when they were looked at.
    pub(super) fn keep(&self, looked_at: Duration, is_open: impl Fn(&str) -> bool) {
        self.revisions.keep(looked_at, |id| is_open(id));
        self.states.keep(looked_at, |id| is_open(id));
    }

    /// Sees that nobody holds the command that has this place, and says for how long it has been seen so.
    pub(super) fn place_left_for(&self, place: (String, String), elapsed: Duration) -> Duration {
        self.places_left.seen_for(place, (), elapsed)
    }

    pub(super) fn keep_places(&self, looked_at: Duration, left: &HashSet<(String, String)>) {
        self.places_left.keep(looked_at, |place| left.contains(place));
    }

    pub(super) fn begin_anew(&self) {
        self.revisions.forget_all();
        self.states.forget_all();
    }
}

impl Commands {
    /// The earlier of what the wall clock says and what it would say if nobody had set it since this process began: neither a
    /// step forward nor one back ends at once what was to wait for an hour.
    pub(super) fn steady_now(&self) -> OffsetDateTime {
        let unset = self.time_seen.origin.saturating_add(signed(self.clock.elapsed()));
        self.now().min(unset)
    }
}

fn signed(duration: Duration) -> time::Duration {
    time::Duration::try_from(duration).unwrap_or(time::Duration::MAX)
}
