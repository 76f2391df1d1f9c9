//! How many commands of a runbook are carried out at once. Each bound has an entry with the commands that hold its places,
//! changed in the same commit as the lease and its end, so that no two replicas can both give away the last place.

mod turns;

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::LEASE;
use super::book::Commands;
use super::command::AttemptEnded;
use super::record::Record;
use super::state::State;
use crate::backbone::{BackboneError, Batch, Committed, Entry, Put};

pub(super) use turns::Turns;

pub(super) const PLACES: &str = "commands.places";

/// More bounds than a catalogue has.
const PLACES_PAGE: u32 = 2000;

/// Here one waits for the other, so only replicas conflict, each once with each place.
const ATTEMPTS: usize = 8;

/// The commands that hold the places of one bound.
#[derive(Default, Serialize, Deserialize)]
struct Holders {
    commands: BTreeSet<String>,
}

/// What a change of a command's state means for places.
#[derive(Clone, Copy)]
enum Move {
    Take,
    GiveBack,
}

impl Move {
    fn between(before: State, record: &Record) -> Option<Self> {
        match (before.is_held(), record.command.state.is_held()) {
            (false, true) => Some(Self::Take),
            // Whoever had it may still be at work: the sweep gives the place back once it must have heard that it is not to be.
            (true, false) if ended_without_its_holder(before, record) => None,
            (true, false) => Some(Self::GiveBack),
            (true, true) | (false, false) => None,
        }
    }
}

/// Whether time ended what its holder had begun, for good or until the next attempt.
fn ended_without_its_holder(before: State, record: &Record) -> bool {
    match record.command.state {
        State::Timeout | State::Abandoned => true,
        State::Scheduled if before.is_under_way() => {
            record.command.attempts_failed.last().is_some_and(|failed| failed.because != AttemptEnded::Failed)
        }
        _ => false,
    }
}

/// The entries in which a command is counted, and how many there may be in each. By its runbook as it was at the request.
fn bounds(record: &Record) -> Vec<(String, u32)> {
    let runbook = &record.command.runbook;
    let of_runbook = record.terms.concurrency.per_runbook.map(|bound| (runbook.clone(), bound));
    let of_target = record.terms.concurrency.per_target;
    let of_target = of_target.map(|bound| (format!("{runbook}/{}", record.command.target.service), bound));
    of_runbook.into_iter().chain(of_target).collect()
}

impl Commands {
    /// Commits `batch`, which brings a command from its state `before` to that of `record`, with what this means for places;
    /// `None` where it would take one and none is free.
    pub(super) async fn commit_with_places(
        &self,
        before: State,
        record: &Record,
        batch: Batch,
    ) -> Result<Option<Committed>, BackboneError> {
        let bounds = bounds(record);
        let Some(movement) = Move::between(before, record).filter(|_| !bounds.is_empty()) else {
            return self.backbone.commit(batch).await.map(Some);
        };
        let _turn = self.turns.of(&record.command.runbook).await;
        let mut again = 1..ATTEMPTS;
        loop {
            let Some(places) = self.moved(movement, &record.command.id, &bounds).await? else { return Ok(None) };
            let mut batch = batch.clone();
            // The record stays last: its revision is what the caller goes on with.
            batch.puts.splice(0..0, places);
            match self.backbone.commit(batch).await {
                Err(BackboneError::Conflict { bucket: PLACES, .. }) if again.next().is_some() => {}
                committed => return committed.map(Some),
            }
        }
    }

    async fn moved(
        &self,
        movement: Move,
        id: &str,
        bounds: &[(String, u32)],
    ) -> Result<Option<Vec<Put>>, BackboneError> {
        let mut puts = Vec::new();
        for (key, bound) in bounds {
            let entry = self.backbone.get(PLACES, key.clone()).await?;
            let Some(mut holders) = entry.as_ref().map_or_else(|| Some(Holders::default()), holders) else {
                match movement {
                    // Nobody knows whether one is free.
                    Move::Take => return Ok(None),
                    // There is nothing that could be given back, and the command must come to its end all the same.
                    Move::GiveBack => continue,
                }
            };
            let is_changed = match movement {
                // It may have its place still from its attempt before. That is written too, so that the sweep, which would give
                // it back by now, finds it changed.
                Move::Take if holders.commands.contains(id) => true,
                Move::Take if holders.commands.len() >= usize::try_from(*bound).unwrap_or(usize::MAX) => {
                    return Ok(None);
                }
                Move::Take => holders.commands.insert(id.to_owned()),
                Move::GiveBack => holders.commands.remove(id),
            };
            if is_changed {
                puts.push(put(key, &holders, entry.as_ref())?);
            }
        }
        Ok(Some(puts))
    }

    /// All places that are held, to be read before the commands are.
    pub(super) async fn places(&self) -> Result<Vec<Entry>, BackboneError> {
        self.backbone.list(PLACES, None, PLACES_PAGE).await
    }

    /// Takes back places of commands that nobody has held for the length of a lease: of what timed out or fell silent, since
    /// everything else gives its place back with its end. A place that cannot be read or changed keeps no other from it.
    pub(super) async fn take_back(&self, places: &[Entry], held: &HashSet<String>, elapsed: Duration) {
        let mut left = HashSet::new();
        for entry in places {
            let Some(mut holders) = holders(entry) else { continue };
            let before = holders.commands.len();
            holders.commands.retain(|id| {
                if held.contains(id) {
                    return true;
                }
                let place = (entry.key.clone(), id.clone());
                left.insert(place.clone());
                self.time_seen.place_left_for(place, elapsed) < LEASE
            });
            if holders.commands.len() == before {
                continue;
            }
            let put = put(&entry.key, &holders, Some(entry));
            let given_back = async { self.backbone.commit(Batch { events: Vec::new(), puts: vec![put?] }).await };
            match given_back.await {
                Ok(_) => tracing::info!(place = entry.key, "a place was taken back after its command's end"),
                // It was given back or taken meanwhile.
                Err(BackboneError::Conflict { .. }) => {}
                Err(error) => tracing::error!(%error, place = entry.key, "a place could not be taken back"),
            }
        }
        self.time_seen.keep_places(elapsed, &left);
    }
}

/// `None` where the entry cannot be read, which must not keep anything else from its time.
fn holders(entry: &Entry) -> Option<Holders> {
    let unreadable = |error: &_| tracing::error!(%error, place = entry.key, "a place is not readable");
    serde_json::from_slice(&entry.value).inspect_err(unreadable).ok()
}

fn put(key: &str, holders: &Holders, entry: Option<&Entry>) -> Result<Put, BackboneError> {
    let unwritable = |error| BackboneError::Unavailable(format!("the places {key} are not writable: {error}"));
    let value = serde_json::to_vec(holders).map_err(unwritable)?;
    Ok(Put {
        bucket: PLACES,
        key: key.to_owned(),
        value: (!holders.commands.is_empty()).then_some(value),
        expected_revision: entry.map(|entry| entry.revision),
        expires_at: None,
    })
}
