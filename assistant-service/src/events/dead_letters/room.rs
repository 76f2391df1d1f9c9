//! How much is kept of dead letters, and who gives way when there is no more room: always the oldest letters of whoever has
//! the most there, so that a sender who floods pushes out nobody's but their own.

use std::collections::HashMap;

use super::letter::{Letter, Summary};
use super::{Because, DISCARDED, DeadLetters, Discarded, INDEX, LETTERS, removal};
use crate::backbone::{BackboneError, Batch, Revision};
use crate::problem::Problem;

/// An amount of letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Space {
    pub(super) letters: usize,
    pub(super) bytes: usize,
}

/// At most so much is kept.
const ALL: Space = Space { letters: 10_000, bytes: 256 * 1024 * 1024 };

/// Comes between two counts. Other replicas may each add as much before they count.
const BETWEEN_COUNTS: Space = Space { letters: 200, bytes: 8 * 1024 * 1024 };

/// Half of it is for what other replicas add meanwhile.
const SPARED: Space = Space { letters: 400, bytes: 16 * 1024 * 1024 };

const PAGE: u32 = 1000;

/// Removed in one commit, so that others are not kept waiting.
const REMOVED_AT_ONCE: usize = 50;

impl Space {
    fn of(letters: &[Letter]) -> Self {
        let bytes = letters.iter().map(|letter| Summary::of(letter).bytes).fold(0, usize::saturating_add);
        Self { letters: letters.len(), bytes }
    }

    fn minus(self, other: Self) -> Option<Self> {
        let letters = self.letters.checked_sub(other.letters)?;
        let bytes = self.bytes.checked_sub(other.bytes)?;
        Some(Self { letters, bytes })
    }

    fn less(self, other: Self) -> Self {
        let letters = self.letters.saturating_sub(other.letters);
        Self { letters, bytes: self.bytes.saturating_sub(other.bytes) }
    }

    /// Comparable amounts of both: as many bytes as letters have each when both bounds are reached at once.
    fn cost(self) -> usize {
        let bytes_of_one = ALL.bytes.checked_div(ALL.letters).unwrap_or_default();
        self.letters.saturating_mul(bytes_of_one).saturating_add(self.bytes)
    }
}

impl DeadLetters {
    /// Makes room for letters that are about to come. They are counted only when they might not fit.
    pub(super) async fn make_room(&self, letters: &[Letter]) -> Result<(), Problem> {
        let wanted = Space::of(letters);
        let mut room = self.room.lock().await;
        if let Some(left) = room.minus(wanted) {
            *room = left;
            return Ok(());
        }
        let index = self.index().await?;
        let summaries: Vec<_> = index.iter().map(|(summary, _)| summary).collect();
        let victims = victims(&summaries, ALL.less(SPARED).less(wanted));
        let victims: Vec<_> = victims.into_iter().filter_map(|place| index.get(place)).collect();
        for some in victims.chunks(REMOVED_AT_ONCE) {
            self.remove(some).await?;
        }
        *room = BETWEEN_COUNTS;
        Ok(())
    }

    /// What all lists show together, new ones first.
    async fn index(&self) -> Result<Vec<(Summary, Revision)>, BackboneError> {
        let mut all = Vec::new();
        let mut before = None;
        loop {
            let page = self.backbone.list(INDEX, before, PAGE).await?;
            let Some(last) = page.last() else { return Ok(all) };
            before = Some(last.key.clone());
            let readable = |value: &[u8]| serde_json::from_slice(value).ok();
            all.extend(page.iter().filter_map(|entry| Some((readable(&entry.value)?, entry.revision))));
        }
    }

    async fn remove(&self, victims: &[&(Summary, Revision)]) -> Result<(), Problem> {
        let mut batch = Batch::default();
        for (summary, index_revision) in victims {
            let Some(letter) = self.backbone.get(LETTERS, summary.id.clone()).await? else { continue };
            let told = Discarded { id: &summary.id, because: Because::NoRoom };
            batch.events.push(self.told(DISCARDED, &summary.id, &told, None)?);
            batch.puts.extend(removal(&summary.id, letter.revision, *index_revision));
        }
        match self.backbone.commit(batch).await {
            // Somebody was faster with one of them; the next count looks again.
            Ok(_) | Err(BackboneError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The places of those that have to go, of a list with new ones first: the oldest of whoever has the most, until the rest fits
/// into `space`.
fn victims(summaries: &[&Summary], space: Space) -> Vec<usize> {
    let mut victims = Vec::new();
    let mut total = Space::default();
    let mut by_principal: HashMap<&str, (Space, Vec<usize>)> = HashMap::new();
    let add = |to: &mut Space, bytes: usize| {
        to.letters = to.letters.saturating_add(1);
        to.bytes = to.bytes.saturating_add(bytes);
    };
    for (place, summary) in summaries.iter().enumerate() {
        let (of_one, places) = by_principal.entry(&summary.principal).or_default();
        add(of_one, summary.bytes);
        add(&mut total, summary.bytes);
        places.push(place);
    }
    while total.letters > space.letters || total.bytes > space.bytes {
        let Some((of_one, places)) = by_principal.values_mut().max_by_key(|(of_one, _)| of_one.cost()) else { break };
        let Some(oldest) = places.pop() else { break };
        let gone = Space { letters: 1, bytes: summaries.get(oldest).map_or(0, |summary| summary.bytes) };
        *of_one = of_one.less(gone);
        total = total.less(gone);
        victims.push(oldest);
    }
    victims
}

#[cfg(test)]
mod tests;
