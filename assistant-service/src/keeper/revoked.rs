//! What is revoked, as the service last told: in memory, on disk for a restart while the service is away, and as the table
//! that gates look tokens up in. Written down first, then made a table, and only then named by the head.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand_core::{OsRng, RngCore};
use thiserror::Error;
use tokio::time::Instant;
use trust_core::revocations::{Revocation, table};

use super::heard::Heard;
use super::trust_folder::{Durability, Readers, TrustFolder, own};
use super::wall::now;
use crate::clock::Clock;
use crate::revocations::{Entry, RevocationEntry};

const KEPT: &str = "revocations.json";
const MAX_KEPT_BYTES: u64 = 256 * 1024 * 1024;
const TABLE: &str = "revocations-";

/// A gate may have read the head just before, and open the table just after.
const TABLES_KEPT: usize = 3;
const TABLE_KEPT_FOR: Duration = Duration::from_secs(30);
/// A steady stream of revocations makes many tables in that time; the disk shall not be full of them.
const MOST_OLD_TABLES: usize = 8;

/// A clock that was set forward and back again must not have dropped what still counts: news are told once.
const LAPSED_KEPT_SECONDS: u64 = 24 * 60 * 60;

/// Tables are written no closer together: a burst of revocations becomes a few of them. A large one takes longer, and still
/// is in force within the second.
const LEAST_APART: Duration = Duration::from_millis(50);
const MOST_APART: Duration = Duration::from_millis(300);
const ENTRIES_PER_MILLISECOND: usize = 400;

/// Why an answer of the service does not count.
#[derive(Debug, Error)]
pub(super) enum NotApplied {
    /// Passing it over would let a token in that is revoked.
    #[error("a revocation in a form that is not known here")]
    Form,
    #[error("it cannot be written: {0}")]
    Unwritten(#[from] io::Error),
}

/// The revocations that are in force.
pub(super) struct Revoked {
    trust: TrustFolder,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    /// Each with the second until which it is kept.
    entries: BTreeMap<Revocation, u64>,
    /// The table that holds them; none when nothing is revoked.
    table: Option<u64>,
    last_number: u64,
    /// Tables that the head no longer names, and since when.
    old: Vec<(u64, Instant)>,
    /// The table that the head names on disk, and the one that it named before.
    in_head: [Option<u64>; 2],
    /// Whether the disk holds less than the memory.
    is_unwritten: bool,
}

impl Revoked {
    /// Takes over what an earlier keeper was told, and makes a table of it. `last_number` is the newest table's before. Where
    /// nothing was left, nothing was heard either.
    pub(super) fn open(
        trust: TrustFolder,
        clock: Arc<dyn Clock>,
        last_number: u64,
        heard: &Heard,
    ) -> Result<Self, NotApplied> {
        let kept = trust.read(&own(KEPT), MAX_KEPT_BYTES)?;
        let kept: Vec<RevocationEntry> = match kept {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|_| NotApplied::Form)?,
            None => {
                heard.forget();
                Vec::new()
            }
        };
        let in_head = [Some(last_number), None];
        let old = trust.names()?.iter().filter_map(|name| name.strip_prefix(TABLE)?.parse().ok()).collect::<Vec<u64>>();
        let last_number = old.iter().copied().fold(last_number, u64::max);
        let old = old.into_iter().map(|number| (number, Instant::now())).collect();
        let entries = read(&kept)?;
        let state = State { entries, table: None, last_number, old, in_head, is_unwritten: true };
        let revoked = Self { trust, clock, state: Mutex::new(state) };
        revoked.apply(&[], false)?;
        Ok(revoked)
    }

    /// Takes in what the service told; `complete` when it told everything. Says whether there is a new table for the head.
    pub(super) fn apply(&self, told: &[RevocationEntry], complete: bool) -> Result<bool, NotApplied> {
        let told = read(told)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = if complete { BTreeMap::new() } else { state.entries.clone() };
        entries.extend(told);
        let now_second = now(&*self.clock) / 1000;
        entries.retain(|_, keep_until| keep_until.saturating_add(LAPSED_KEPT_SECONDS) > now_second);
        if entries == state.entries && !state.is_unwritten {
            return Ok(false);
        }
        (state.entries, state.is_unwritten) = (entries, true);
        self.write(&mut state)?;
        state.is_unwritten = false;
        Ok(true)
    }

    fn write(&self, state: &mut State) -> io::Result<()> {
        let kept: Vec<_> = state
            .entries
            .iter()
            .map(|(revocation, until)| {
                RevocationEntry::from(&Entry { revocation: revocation.clone(), keep_until: *until })
            })
            .collect();
        self.trust.write(&own(KEPT), &serde_json::to_vec(&kept)?, Readers::Owner, Durability::Lasting)?;
        let number = state.last_number.saturating_add(1).max(now(&*self.clock));
        let new = if state.entries.is_empty() { None } else { Some(number) };
        if new.is_some() {
            let mut seed = [0; 16];
            OsRng.fill_bytes(&mut seed);
            let table = table(state.entries.keys(), seed);
            self.trust.write(&format!("{TABLE}{number}"), &table, Readers::Everyone, Durability::Lasting)?;
        }
        let before = std::mem::replace(&mut state.table, new);
        state.old.extend(before.map(|number| (number, Instant::now())));
        state.last_number = number;
        Ok(())
    }

    /// The table for the head.
    pub(super) fn number(&self) -> Option<u64> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).table
    }

    /// How far apart tables are to be written.
    pub(super) fn apart(&self) -> Duration {
        let entries = self.state.lock().unwrap_or_else(PoisonError::into_inner).entries.len();
        let more = u64::try_from(entries / ENTRIES_PER_MILLISECOND).unwrap_or(u64::MAX);
        LEAST_APART.saturating_add(Duration::from_millis(more)).min(MOST_APART)
    }

    /// Takes note of what the head on disk names.
    pub(super) fn named_in_head(&self, number: Option<u64>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let [current, _] = state.in_head;
        if current != number {
            state.in_head = [number, current];
        }
    }

    /// Removes tables that no gate reads any more, before the head is written: a full disk takes none.
    pub(super) fn remove_old_tables(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let (trust, in_head, mut newer) = (&self.trust, state.in_head, state.old.len());
        state.old.retain(|(number, since)| {
            newer = newer.saturating_sub(1);
            let is_new =
                newer < TABLES_KEPT.saturating_sub(1) || (newer < MOST_OLD_TABLES && since.elapsed() < TABLE_KEPT_FOR);
            let is_spared = is_new || in_head.contains(&Some(*number));
            // One that cannot be removed is tried again by the next keeper.
            is_spared || trust.remove(&format!("{TABLE}{number}")).is_err()
        });
    }
}

fn read(kept: &[RevocationEntry]) -> Result<BTreeMap<Revocation, u64>, NotApplied> {
    let entries = kept.iter().cloned().map(|kept| kept.into_entry().ok_or(NotApplied::Form));
    entries.map(|entry| entry.map(|Entry { revocation, keep_until }| (revocation, keep_until))).collect()
}

#[cfg(test)]
mod tests;
