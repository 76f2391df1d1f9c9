//! Which samples of a series count: each time once, none later than a minute.
//!
//! Nothing is held back to be sorted, so what must be remembered is where something may still come: the holes between the samples
//! that are there. A resend falls into none, whatever the rate. The four longest holes of the last minute are remembered, which are
//! those that a late batch leaves; of shorter ones what comes late is lost, as if it were a double.

use serde::{Deserialize, Serialize};

use super::LATEST_MS;
use crate::Millis;

/// How many holes are remembered.
const HOLES: usize = 4;

/// So many samples that are too late, each newer than the one before, are a clock that was set back.
const SET_BACK: u8 = 30;

/// The times that were seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// The newest sample's.
    newest: Millis,
    /// Open intervals without a sample, as milliseconds before `newest`: from, to. Equal ends are no hole.
    holes: [(u32, u32); HOLES],
    /// The last of the samples that were too late, and how many in a row rose.
    late: Millis,
    rising: u8,
}

/// Where a sample stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// After all others.
    Next,
    /// Between others, within the minute.
    Late,
    /// There was one at its time.
    Double,
    /// More than a minute late.
    TooLate,
}

impl Order {
    /// Before the first sample, which is taken at `at`.
    pub(super) fn before(at: Millis) -> Self {
        Self { newest: at.saturating_sub(1), holes: [(0, 0); HOLES], late: Millis::MIN, rising: 0 }
    }

    /// When the newest sample was taken.
    pub(super) fn newest(&self) -> Millis {
        self.newest
    }

    /// Where the next sample stands.
    pub(super) fn place(&mut self, at: Millis) -> Place {
        if at > self.newest {
            self.advance(at);
            return Place::Next;
        }
        if at < self.newest.saturating_sub(LATEST_MS) {
            return self.too_late(at);
        }
        self.rising = 0;
        let before = u32::try_from(self.newest.saturating_sub(at)).unwrap_or(u32::MAX);
        let Some(hole) = self.holes.iter_mut().find(|(from, to)| *from > before && before > *to) else {
            return Place::Double;
        };
        let (from, to) = *hole;
        *hole = (from, before);
        self.remember((before, to));
        Place::Late
    }

    fn advance(&mut self, at: Millis) {
        let step = u32::try_from(at.saturating_sub(self.newest)).unwrap_or(u32::MAX);
        let latest = u32::try_from(LATEST_MS).unwrap_or(u32::MAX);
        for hole in &mut self.holes {
            *hole = (hole.0.saturating_add(step).min(latest), hole.1.saturating_add(step));
            if hole.0 <= hole.1 {
                *hole = (0, 0);
            }
        }
        (self.newest, self.rising) = (at, 0);
        self.remember((step.min(latest.saturating_add(1)), 0));
    }

    /// Puts a hole in the place of the shortest one, if it is longer.
    fn remember(&mut self, hole: (u32, u32)) {
        let length = |(from, to): &(u32, u32)| from.saturating_sub(*to);
        if let Some(shortest) = self.holes.iter_mut().min_by_key(|hole| length(hole))
            && length(&hole) > length(shortest).max(1)
        {
            *shortest = hole;
        }
    }

    fn too_late(&mut self, at: Millis) -> Place {
        self.rising = if at > self.late { self.rising.saturating_add(1) } else { 0 };
        self.late = at;
        if self.rising < SET_BACK {
            return Place::TooLate;
        }
        *self = Self::before(at);
        self.advance(at);
        Place::Next
    }
}
