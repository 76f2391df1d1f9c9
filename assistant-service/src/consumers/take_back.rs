//! An event that was given up is handed out again, because somebody says so.

use trust_core::principal::Principal;

use super::MAX_IN_FLIGHT;
use super::book::{ATTEMPTS, CONSUMERS, Consumers, GaveUp, conflict, pause};
use super::giving_up::Head;
use crate::backbone::{BackboneError, Batch};
use crate::events::GivenUp;
use crate::problem::Problem;

impl Consumers {
    /// Puts it among those that wait, with none of its deliveries counted, in one step with `batch`.
    pub(crate) async fn take_back(&self, owner: &Principal, given_up: &GivenUp, batch: Batch) -> Result<(), Problem> {
        for attempt in 0..ATTEMPTS {
            let mut kept = self.find(owner, &given_up.consumer).await?;
            if kept.record.born != given_up.born {
                return Err(Problem::NotFound);
            }
            // An entry has a bound, whoever lets events pile up in it.
            if kept.record.in_flight.len() >= usize::try_from(MAX_IN_FLIGHT).unwrap_or(usize::MAX) {
                return Err(Problem::Busy);
            }
            let found = self.events_at(&kept.record.settings, &[given_up.position]).await?;
            let head = Head::of(found.events.get(&given_up.position).ok_or(Problem::NotFound)?)?;
            let lane = kept.record.lane(head.subject.as_deref());
            kept.record.queue(given_up.position, lane);
            let beside = GaveUp { batch: batch.clone(), letters: Vec::new() };
            match self.write(kept, beside).await {
                Err(Problem::Store(BackboneError::Conflict { bucket: CONSUMERS, .. })) => pause(attempt).await,
                written => return written,
            }
        }
        Err(conflict(owner, &given_up.consumer))
    }
}
