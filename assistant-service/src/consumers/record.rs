//! A consumer as it is kept, and what handing out and settling do to it. Pure: time comes in as what a process has seen pass.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trust_core::principal::Principal;

use super::settings::Settings;
use crate::backbone::Position;

/// A consumer as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) owner: Principal,
    pub(super) settings: Settings,
    /// Up to here every event has been handed out, or is in flight, or was not meant.
    pub(super) cursor: Position,
    /// Above every fence of a consumer of this name before it, so that nobody settles for that one.
    pub(super) born: u64,
    /// The fence of the last fetch.
    pub(super) fence: u64,
    pub(super) in_flight: BTreeMap<Position, Delivery>,
}

/// An event below the cursor that is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Delivery {
    /// How often it has been handed out.
    pub(super) attempt: u32,
    /// Under which fence at last.
    pub(super) fence: u64,
    /// How often its holder has said that he is at work.
    signs_of_life: u32,
    /// Seconds after which it may be handed out again; nothing while somebody holds it.
    waits_seconds: Option<u32>,
    /// Stands for its subject, where order counts. Two subjects that meet here only wait for each other.
    lane: Option<u64>,
}

/// What can be done about the events in flight by now.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// To be handed out again, or at last.
    pub(super) ready: Vec<Position>,
    /// Handed out as often as they may be.
    pub(super) given_up: Vec<Position>,
    /// When this is worth another look.
    pub(super) next: Option<Duration>,
}

impl Record {
    pub(super) fn new(name: String, owner: Principal, settings: Settings, cursor: Position, born: u64) -> Self {
        Self { name, owner, settings, cursor, born, fence: born, in_flight: BTreeMap::new() }
    }

    /// How many more may be taken up.
    pub(super) fn room(&self) -> usize {
        self.settings.max_in_flight().saturating_sub(self.in_flight.len())
    }

    /// What is due, by how long each delivery has been seen as it is.
    pub(super) fn due(&self, seen_for: impl Fn(Position, Delivery) -> Duration) -> Due {
        let mut due = Due::default();
        let mut blocked = HashSet::new();
        for (position, delivery) in &self.in_flight {
            let waits = delivery.waits_seconds.unwrap_or(self.settings.ack_wait_seconds());
            let left = Duration::from_secs(waits.into()).saturating_sub(seen_for(*position, *delivery));
            let is_free = left.is_zero();
            if is_free && delivery.attempt >= self.settings.max_deliveries() {
                due.given_up.push(*position);
                continue;
            }
            let is_first = delivery.lane.is_none_or(|lane| blocked.insert(lane));
            if is_free && is_first {
                due.ready.push(*position);
            } else if !is_free {
                due.next = Some(due.next.map_or(left, |next: Duration| next.min(left)));
            }
        }
        due
    }

    /// Hands an event out, again or for the first time; all that one fetch hands out has one fence.
    pub(super) fn hand_out(&mut self, position: Position, lane: Option<u64>) -> u32 {
        let before = self.in_flight.get(&position);
        let attempt = before.map_or(0, |delivery| delivery.attempt).saturating_add(1);
        let lane = before.map_or(lane, |delivery| delivery.lane);
        let delivery = Delivery { attempt, fence: self.fence, signs_of_life: 0, waits_seconds: None, lane };
        self.in_flight.insert(position, delivery);
        attempt
    }

    /// Puts an event behind an earlier one of its subject.
    pub(super) fn queue(&mut self, position: Position, lane: Option<u64>) {
        let delivery = Delivery { attempt: 0, fence: 0, signs_of_life: 0, waits_seconds: Some(0), lane };
        self.in_flight.insert(position, delivery);
    }

    /// Whether an earlier event of this lane is not settled.
    pub(super) fn is_busy(&self, lane: Option<u64>) -> bool {
        lane.is_some() && self.in_flight.values().any(|delivery| delivery.lane == lane)
    }

    /// The lane of a subject, where order counts.
    pub(super) fn lane(&self, subject: Option<&str>) -> Option<u64> {
        let digest = Sha256::digest(subject.filter(|_| self.settings.ordered)?);
        digest.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
    }

    /// The delivery that a holder speaks of, if it is still his.
    pub(super) fn held(&mut self, position: Position, fence: u64) -> Option<&mut Delivery> {
        let delivery = self.in_flight.get_mut(&position)?;
        (delivery.fence == fence && delivery.waits_seconds.is_none()).then_some(delivery)
    }

    /// How many are held, and how many wait.
    pub(super) fn counts(&self) -> (usize, usize) {
        let held = self.in_flight.values().filter(|delivery| delivery.waits_seconds.is_none()).count();
        (held, self.in_flight.len().saturating_sub(held))
    }
}

impl Delivery {
    pub(super) fn gives_sign_of_life(&mut self) {
        self.signs_of_life = self.signs_of_life.saturating_add(1);
    }

    pub(super) fn is_given_back(&mut self, delay_seconds: u32) {
        self.waits_seconds = Some(delay_seconds);
    }
}
