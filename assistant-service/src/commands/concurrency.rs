//! How many commands of a runbook are carried out at once. Each bound has an entry with the commands that hold its places,
//! changed in the same commit as the lease and its end, so that no two replicas can both give away the last place.

mod turns;

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::book::{Commands, Kept};
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
    fn between(before: State, after: State) -> Option<Self> {
        match (before.is_held(), after.is_held()) {
            (false, true) => Some(Self::Take),
            (true, false) => Some(Self::GiveBack),
            (true, true) | (false, false) => None,
        }
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
        let Some(movement) = Move::between(before, record.command.state).filter(|_| !bounds.is_empty()) else {
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
            let mut holders = entry.as_ref().map_or_else(|| Ok(Holders::default()), holders)?;
            let is_changed = match movement {
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

    /// Takes back places of commands that nobody holds any more. They are given back with the lease's end, so one that is
    /// found here shows a mistake.
    pub(super) async fn take_back(&self, places: &[Entry], open: &[Kept]) -> Result<(), BackboneError> {
        let held = open.iter().filter(|kept| kept.record.command.state.is_held());
        let held: HashSet<&str> = held.map(|kept| kept.record.command.id.as_str()).collect();
        for entry in places {
            let mut holders = holders(entry)?;
            let before = holders.commands.len();
            holders.commands.retain(|id| held.contains(id.as_str()));
            if holders.commands.len() == before {
                continue;
            }
            let batch = Batch { events: Vec::new(), puts: vec![put(&entry.key, &holders, Some(entry))?] };
            match self.backbone.commit(batch).await {
                Ok(_) => tracing::error!(place = entry.key, "a place was held by a command that nobody holds"),
                // It was given back meanwhile.
                Err(BackboneError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn holders(entry: &Entry) -> Result<Holders, BackboneError> {
    let unreadable = |error| BackboneError::Unavailable(format!("the places {} are not readable: {error}", entry.key));
    serde_json::from_slice(&entry.value).map_err(unreadable)
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
