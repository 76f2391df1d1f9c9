//! All revocations in memory: looked up for every request, given to keepers in the order in which they were made.

use std::collections::{BTreeMap, HashMap};

use super::entry::{Entry, issued_before};
use super::key::{Names, RevocationKey};
use crate::backbone::Revision;

/// More are not taken: whoever has so much to revoke revokes sessions or subjects.
pub(crate) const MAX_ENTRIES: usize = 100_000;

/// What all texts together may have, so that a keeper can be told everything in one answer.
const MAX_TEXT_BYTES: usize = 16 * 1024 * 1024;

/// How long an entry stays after its end. A clock that was wrongly set forward ends entries whose tokens live on when it is
/// set back; whoever looks after the host has a day to notice. What is removed is removed for every replica and keeper.
const AFTER_END_SECONDS: u64 = 24 * 60 * 60;

/// The revocations.
#[derive(Debug, Default)]
pub(crate) struct Index {
    kept: HashMap<RevocationKey, Indexed>,
    by_revision: BTreeMap<Revision, RevocationKey>,
    text_bytes: usize,
}

/// How much of the index may be full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// All of it.
    All,
    /// Three quarters: people end sessions as they like, and whoever must shut somebody out finds room all the same.
    OfSessions,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Indexed {
    pub(crate) entry: Entry,
    pub(crate) revision: Revision,
}

impl Index {
    /// What is kept under this key.
    pub(crate) fn get(&self, key: &RevocationKey) -> Option<&Indexed> {
        self.kept.get(key)
    }

    /// Takes an entry up, in the place of the one with its key.
    pub(crate) fn insert(&mut self, entry: Entry, revision: Revision) {
        let key = RevocationKey::from(&entry.revocation);
        self.remove(&key);
        self.text_bytes = self.text_bytes.saturating_add(entry.text_bytes());
        self.by_revision.insert(revision, key);
        self.kept.insert(key, Indexed { entry, revision });
    }

    /// Forgets an entry.
    pub(crate) fn remove(&mut self, key: &RevocationKey) {
        if let Some(Indexed { entry, revision }) = self.kept.remove(key) {
            self.text_bytes = self.text_bytes.saturating_sub(entry.text_bytes());
            self.by_revision.remove(&revision);
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there is room for one more.
    pub(crate) fn takes(&self, entry: &Entry, room: Room) -> bool {
        let (entries, text_bytes) = match room {
            Room::All => (MAX_ENTRIES, MAX_TEXT_BYTES),
            Room::OfSessions => (MAX_ENTRIES / 4 * 3, MAX_TEXT_BYTES / 4 * 3),
        };
        self.len() < entries && self.text_bytes.saturating_add(entry.text_bytes()) <= text_bytes
    }

    /// Whether a token of these names is revoked.
    pub(crate) fn revokes(&self, names: &Names) -> bool {
        let by_name = names.always.iter().flatten().any(|key| self.kept.contains_key(key));
        by_name
            || names.subject.and_then(|key| self.kept.get(&key)).is_some_and(|kept| {
                let before = issued_before(&kept.entry.revocation).unwrap_or(u64::MAX);
                names.issued_at.is_none_or(|issued_at| issued_at < before)
            })
    }

    /// Those that were made after `revision`, in their order.
    pub(crate) fn since(&self, revision: Revision) -> impl Iterator<Item = &Indexed> {
        let newer = self.by_revision.range((std::ops::Bound::Excluded(revision), std::ops::Bound::Unbounded));
        newer.filter_map(|(_, key)| self.kept.get(key))
    }

    /// At most `limit` that ended a day before `now`, in Unix seconds, or earlier.
    pub(crate) fn ended(&self, now: u64, limit: usize) -> Vec<(RevocationKey, Revision)> {
        let ended = self.kept.iter().filter(|(_, kept)| kept.entry.keep_until.saturating_add(AFTER_END_SECONDS) <= now);
        ended.map(|(key, kept)| (*key, kept.revision)).take(limit).collect()
    }
}
