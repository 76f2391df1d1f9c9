//! Settling: what holders say of the events that they were handed.

use serde::{Deserialize, Serialize};
use trust_core::principal::Principal;
use utoipa::ToSchema;

use super::book::{ATTEMPTS, Consumers, GaveUp, Kept, conflict, pause};
use super::giving_up::{self, Head, Reason};
use super::names;
use crate::backbone::{BackboneError, Position};
use crate::gate::Caller;
use crate::problem::{FieldError, Problem};

const MAX_ITEMS: usize = 1024;
const MAX_DELAY_SECONDS: u32 = 24 * 60 * 60;

/// A delivery, by what its holder was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claim {
    /// The event's position.
    pub(crate) position: Position,
    /// The delivery's fence.
    pub(crate) fence: u64,
}

/// A delivery that is given back.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenBack {
    /// The event's position.
    pub(crate) position: Position,
    /// The delivery's fence.
    pub(crate) fence: u64,
    /// Seconds before it is handed out again, 0 to 86400.
    #[schema(maximum = 86400)]
    #[serde(default)]
    pub(crate) delay_seconds: u32,
}

/// What a holder says; up to 1024 items together.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settlement {
    /// Done.
    pub(crate) ack: Vec<Claim>,
    /// Not done, to be handed out again.
    pub(crate) nak: Vec<GivenBack>,
    /// At work: the time to be silent begins anew.
    pub(crate) in_progress: Vec<Claim>,
    /// Cannot be done, to be handed out no more.
    pub(crate) term: Vec<Claim>,
}

/// What of it counts.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Settled {
    /// How many items were taken.
    pub(crate) taken: usize,
    /// Those whose event is not in these hands any more: settled before, or handed out again.
    pub(crate) stale: Vec<Claim>,
}

impl Settlement {
    fn mistakes(&self) -> Vec<FieldError> {
        let lengths = [self.ack.len(), self.nak.len(), self.in_progress.len(), self.term.len()];
        let count = lengths.into_iter().fold(0, usize::saturating_add);
        let mut errors = Vec::new();
        if !(1..=MAX_ITEMS).contains(&count) {
            errors.push(FieldError::new("body", format!("must have 1 to {MAX_ITEMS} items together")));
        }
        if self.nak.iter().any(|item| item.delay_seconds > MAX_DELAY_SECONDS) {
            errors
                .push(FieldError::new("nak", format!("delay_seconds must be a number from 0 to {MAX_DELAY_SECONDS}")));
        }
        errors
    }
}

impl Consumers {
    /// Takes what a holder says, item by item, as one change. `caller` is who said it, where it came through the gate.
    pub(crate) async fn settle(
        &self,
        owner: &Principal,
        name: &str,
        settlement: &Settlement,
        caller: Option<&Caller>,
    ) -> Result<Settled, Problem> {
        let errors = settlement.mistakes();
        if !errors.is_empty() {
            return Err(errors.into());
        }
        self.find(owner, name).await?;
        let local = self.local(&names::key(owner, name));
        let _turn = local.turn.lock().await;
        for attempt in 0..ATTEMPTS {
            let mut kept = self.find(owner, name).await?;
            let (settled, given_up) = take(&mut kept, settlement);
            if settled.taken == 0 {
                return Ok(settled);
            }
            let reasons: Vec<_> = given_up.iter().map(|(_, reason)| *reason).collect();
            let gave_up = self.gave_up(&mut kept, given_up, caller).await?;
            match self.write(kept, gave_up).await {
                Ok(()) => {
                    reasons.into_iter().for_each(|reason| self.count_given_up(reason, 1));
                    return Ok(settled);
                }
                Err(Problem::Store(BackboneError::Conflict { .. })) => pause(attempt).await,
                Err(problem) => return Err(problem),
            }
        }
        Err(conflict(owner, name))
    }

    /// Removes what is given up from the events in flight, with an event for each that the log still has.
    async fn gave_up(
        &self,
        kept: &mut Kept,
        mut given_up: Vec<(Position, Reason)>,
        caller: Option<&Caller>,
    ) -> Result<GaveUp, Problem> {
        given_up.sort_unstable_by_key(|(position, _)| *position);
        let (mut gave_up, mut rest) = (GaveUp::default(), given_up.as_slice());
        while !rest.is_empty() {
            let positions: Vec<_> = rest.iter().map(|(position, _)| *position).collect();
            let found = self.events_at(&kept.record.settings, &positions).await?;
            let (now_known, later) =
                rest.split_at(rest.partition_point(|(position, _)| *position <= found.looked_up_to));
            for (position, reason) in now_known {
                let Some(delivery) = kept.record.in_flight.remove(position) else { continue };
                if let Some(json) = found.events.get(position) {
                    let what = (*position, &Head::of(json)?, delivery.attempt);
                    giving_up::add(&mut gave_up, &kept.record, what, *reason, caller, self.clock.now())?;
                }
            }
            rest = later;
        }
        Ok(gave_up)
    }
}

/// What each item does to the record; those to give up are named and still in it.
fn take(kept: &mut Kept, settlement: &Settlement) -> (Settled, Vec<(Position, Reason)>) {
    let record = &mut kept.record;
    let max_deliveries = record.settings.max_deliveries();
    let (mut settled, mut given_up) = (Settled::default(), Vec::new());
    let mut count = |is_held: bool, position, fence| {
        if is_held {
            settled.taken = settled.taken.saturating_add(1);
        } else {
            settled.stale.push(Claim { position, fence });
        }
    };
    for Claim { position, fence } in settlement.ack.iter().copied() {
        let is_held = record.held(position, fence).is_some();
        if is_held {
            record.in_flight.remove(&position);
        }
        count(is_held, position, fence);
    }
    for GivenBack { position, fence, delay_seconds } in settlement.nak.iter().copied() {
        let held = record.held(position, fence);
        count(held.is_some(), position, fence);
        if let Some(delivery) = held {
            delivery.is_given_back(delay_seconds);
            if delivery.attempt >= max_deliveries {
                given_up.push((position, Reason::TooManyDeliveries));
            }
        }
    }
    for Claim { position, fence } in settlement.in_progress.iter().copied() {
        let held = record.held(position, fence);
        count(held.is_some(), position, fence);
        if let Some(delivery) = held {
            delivery.gives_sign_of_life();
        }
    }
    for Claim { position, fence } in settlement.term.iter().copied() {
        let held = record.held(position, fence);
        count(held.is_some(), position, fence);
        if let Some(delivery) = held {
            // In nobody's hands any more, so that a second word about it is stale.
            delivery.is_given_back(0);
            given_up.push((position, Reason::Terminated));
        }
    }
    (settled, given_up)
}
