//! A record as it lies in a segment: its length, its sequence number and a checksum, then what it says.

use crc32fast::Hasher;
use diagnosis::Millis;
use serde::{Deserialize, Serialize};

use crate::reading::Place;

/// Larger than any batch; a larger length is no length.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// Before what a record says.
pub(super) const HEAD_BYTES: usize = 4 + 8 + 4;

/// What a record says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Entry<'a> {
    /// Stands first in each segment: how far the game's file had been read by then.
    Begin {
        /// None where there is no such file.
        place: Option<Place>,
    },
    /// A batch.
    Batch {
        /// Of which device.
        device: &'a str,
        /// When it was finished.
        time: Millis,
        /// How far the game's file has been read with it.
        place: Option<Place>,
        /// The batch as JSON.
        data: &'a str,
    },
}

/// A record that is as it was written.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) sequence: u64,
    pub(super) checksum: u32,
    pub(super) entry: Entry<'a>,
    /// In the segment.
    pub(super) bytes: usize,
}

/// The bytes of a record.
pub(super) fn frame(sequence: u64, entry: &Entry<'_>) -> Result<Vec<u8>, postcard::Error> {
    let said = postcard::to_allocvec(entry)?;
    let length = u32::try_from(said.len()).map_err(|_| postcard::Error::SerializeBufferFull)?.to_le_bytes();
    let number = sequence.to_le_bytes();
    let checksum = checksum(&[&length, &number, &said]).to_le_bytes();
    Ok([&length[..], &number, &checksum, &said].concat())
}

/// The record at the beginning of `bytes`; nothing where there is none, or only the beginning of one, or another than was written.
pub(super) fn record(bytes: &[u8]) -> Option<Record<'_>> {
    let Head { length, number, sum, said } = head(bytes)?;
    let checksum = checksum(&[length, number, said]);
    if checksum != u32::from_le_bytes(*sum) {
        return None;
    }
    let (sequence, entry) = (u64::from_le_bytes(*number), postcard::from_bytes(said).ok()?);
    Some(Record { sequence, checksum, entry, bytes: HEAD_BYTES.saturating_add(said.len()) })
}

/// Whether there are as many bytes as the record at the beginning of `bytes` says that it has, whatever they are.
pub(super) fn is_all_there(bytes: &[u8]) -> bool {
    head(bytes).is_some()
}

/// The number of the record that may be at the beginning of `bytes`.
pub(super) fn sequence(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(4..)?.first_chunk()?))
}

struct Head<'a> {
    length: &'a [u8; 4],
    number: &'a [u8; 8],
    sum: &'a [u8; 4],
    said: &'a [u8],
}

fn head(bytes: &[u8]) -> Option<Head<'_>> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (number, rest) = rest.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk()?;
    let said_bytes = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|bytes| *bytes <= MOST_BYTES)?;
    Some(Head { length, number, sum, said: rest.get(..said_bytes)? })
}

fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hasher = Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}
