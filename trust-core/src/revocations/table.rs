//! The table's bytes: made whole by the keeper, read in places by gates.

use thiserror::Error;

use super::{Revocation, fingerprints};
use crate::claims::VerifiedClaims;
use crate::keyed_hash::{HASH_BYTES, KeyedHash};
use crate::time::UnixSeconds;

const MAGIC: [u8; 8] = *b"wgrevok1";
const SEED_BYTES: usize = 16;
const FILTER_BYTES: usize = 4096;
const FILTER_BITS: usize = 32_768;
const BUCKET_BYTES: usize = 256;
const ENTRY_BYTES: usize = 24;
const ENTRIES_PER_BUCKET: usize = 10;

/// Buckets are made for so many entries each; few then hold more than their room, and those make the table grow.
const ENTRIES_MEANT: usize = 4;

/// Where the filter begins.
const HEADER_BYTES: usize = 40;

/// Where the buckets begin.
const BUCKETS_AT: usize = HEADER_BYTES + FILTER_BYTES;

/// The bytes that a gate reads of a table once.
pub(crate) const FRONT_BYTES: usize = BUCKETS_AT;

/// The bytes of a table with these revocations. `seed` is random and new for each table.
#[must_use]
pub fn table<'a>(revocations: impl IntoIterator<Item = &'a Revocation>, seed: [u8; SEED_BYTES]) -> Vec<u8> {
    let hash = keyed_by(&seed);
    let mut entries: Vec<_> = revocations.into_iter().map(|revocation| revocation.entry(&hash)).collect();
    // Of a subject that is revoked twice the later time counts.
    entries.sort_unstable_by(|one, other| one.0.cmp(&other.0).then(other.1.cmp(&one.1)));
    entries.dedup_by_key(|entry| entry.0);
    let mut buckets = entries.len().div_ceil(ENTRIES_MEANT).max(1);
    loop {
        match filled(&entries, buckets) {
            Some(bytes) => return [front(&entries, &seed, buckets), bytes].concat(),
            None => buckets = buckets.saturating_mul(2),
        }
    }
}

fn keyed_by(seed: &[u8; SEED_BYTES]) -> KeyedHash {
    let mut secret = [0; 32];
    secret.iter_mut().zip(seed).for_each(|(byte, seed)| *byte = *seed);
    KeyedHash::new(&secret)
}

fn front(entries: &[([u8; HASH_BYTES], u64)], seed: &[u8; SEED_BYTES], buckets: usize) -> Vec<u8> {
    let mut filter = [0_u8; FILTER_BYTES];
    for (fingerprint, _) in entries {
        let (byte, bit) = filter_place(fingerprint);
        if let Some(held) = filter.get_mut(byte) {
            *held |= bit;
        }
    }
    let numbers = [entries.len() as u64, buckets as u64].map(u64::to_le_bytes);
    [&MAGIC[..], seed, numbers.as_flattened(), &filter].concat()
}

/// All buckets, unless one of them overflows.
fn filled(entries: &[([u8; HASH_BYTES], u64)], buckets: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0_u8; buckets.checked_mul(BUCKET_BYTES)?];
    let mut held = vec![0_usize; buckets];
    for (fingerprint, before) in entries {
        let bucket = bucket_of(fingerprint, buckets as u64);
        let count = held.get_mut(bucket).filter(|count| **count < ENTRIES_PER_BUCKET)?;
        let at = bucket.checked_mul(BUCKET_BYTES)?.checked_add(count.checked_mul(ENTRY_BYTES)?)?;
        *count = count.saturating_add(1);
        let entry = [&fingerprint[..], &before.to_le_bytes()].concat();
        bytes.get_mut(at..at.checked_add(ENTRY_BYTES)?)?.copy_from_slice(&entry);
    }
    Some(bytes)
}

fn bucket_of(fingerprint: &[u8; HASH_BYTES], buckets: u64) -> usize {
    let number = fingerprint.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    usize::try_from(number.checked_rem(buckets).unwrap_or(0)).unwrap_or(0)
}

fn filter_place(fingerprint: &[u8; HASH_BYTES]) -> (usize, u8) {
    let number = fingerprint.last_chunk().map_or(0, |bytes| usize::from(u16::from_le_bytes(*bytes)));
    let bit = number % FILTER_BITS;
    (bit / 8, 1 << (bit % 8))
}

/// Why a table is of no use: whatever it holds, nobody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the table of revocations cannot be read")]
pub(crate) struct InvalidTable;

/// A table as a gate knows it: all but its buckets.
pub(crate) struct Table {
    hash: KeyedHash,
    buckets: u64,
    is_empty: bool,
    filter: Box<[u8]>,
}

impl Table {
    /// Reads the front of a table that can be read in places by `read_at`.
    pub(crate) fn open(read_at: impl Fn(u64, &mut [u8]) -> bool) -> Result<Self, InvalidTable> {
        let mut front = vec![0; FRONT_BYTES];
        if !read_at(0, &mut front) {
            return Err(InvalidTable);
        }
        let rest = front.strip_prefix(&MAGIC).ok_or(InvalidTable)?;
        let (seed, rest) = rest.split_first_chunk::<SEED_BYTES>().ok_or(InvalidTable)?;
        let (count, rest) = rest.split_first_chunk().ok_or(InvalidTable)?;
        let (buckets, filter) = rest.split_first_chunk().ok_or(InvalidTable)?;
        let (count, buckets) = (u64::from_le_bytes(*count), u64::from_le_bytes(*buckets));
        // The last byte stands for all: a file that was cut off is not one that revokes less.
        let end = buckets.checked_mul(BUCKET_BYTES as u64).and_then(|bytes| bytes.checked_add(BUCKETS_AT as u64));
        let last = end.and_then(|end| end.checked_sub(1)).filter(|_| buckets > 0).ok_or(InvalidTable)?;
        if !read_at(last, &mut [0]) {
            return Err(InvalidTable);
        }
        Ok(Self { hash: keyed_by(seed), buckets, is_empty: count == 0, filter: filter.into() })
    }

    /// Whether a token is revoked.
    pub(crate) fn holds(
        &self,
        claims: &VerifiedClaims,
        read_at: impl Fn(u64, &mut [u8]) -> bool,
    ) -> Result<bool, InvalidTable> {
        if self.is_empty {
            return Ok(false);
        }
        // A token that does not say when it was issued was issued before everything.
        let issued_at = claims.issued_at().unwrap_or(UnixSeconds(0));
        for fingerprint in fingerprints(&self.hash, claims).filter(|fingerprint| self.may_hold(fingerprint)) {
            let mut bucket = [0; BUCKET_BYTES];
            let bytes_before = bucket_of(&fingerprint, self.buckets).saturating_mul(BUCKET_BYTES);
            if !read_at(BUCKETS_AT.saturating_add(bytes_before) as u64, &mut bucket) {
                return Err(InvalidTable);
            }
            if before(&bucket, &fingerprint).is_some_and(|before| issued_at.0 < before) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn may_hold(&self, fingerprint: &[u8; HASH_BYTES]) -> bool {
        let (byte, bit) = filter_place(fingerprint);
        self.filter.get(byte).is_none_or(|held| held & bit != 0)
    }
}

/// Until when tokens of this fingerprint must have been issued to be revoked.
fn before(bucket: &[u8; BUCKET_BYTES], fingerprint: &[u8; HASH_BYTES]) -> Option<u64> {
    let mut entries = bucket.chunks_exact(ENTRY_BYTES).take(ENTRIES_PER_BUCKET);
    let entry = entries.find_map(|entry| entry.strip_prefix(fingerprint))?;
    entry.first_chunk().map(|before| u64::from_le_bytes(*before))
}
