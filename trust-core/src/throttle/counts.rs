//! Counts of bad tokens, in slots that lie in the shared file or in this instance.
//!
//! ```text
//! slot = digest:8 bytes   minute:u32   in that minute:u16   in the minute before:u16      numbers are little-endian
//! ```

use super::{Digest, set_offset};
use crate::time::UnixSeconds;

/// Bytes of a slot.
pub(super) const SLOT_BYTES: usize = 16;

/// Bytes of the four slots where a source may stand, which are read at once.
pub(super) const SET_BYTES: usize = 4 * SLOT_BYTES;

/// Room for 256 sources where no file is shared.
const OWN_BYTES: usize = 64 * SET_BYTES;

const MINUTE_SECONDS: u64 = 60;

/// Bad tokens of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    minute: u32,
    in_this: u16,
    in_the_one_before: u16,
}

impl Count {
    /// The same count as seen at `now`. One of the future is none: the clock has moved back.
    fn at(self, now: UnixSeconds) -> Self {
        let minute = minute_of(now);
        match minute.checked_sub(self.minute) {
            Some(0) => self,
            Some(1) => Self { minute, in_this: 0, in_the_one_before: self.in_this },
            _ => Self { minute, ..Self::default() },
        }
    }

    /// Bad tokens within the last 60 seconds, times 60: those of the minute before count by the share of it that still
    /// lies within.
    fn sixtieths(self, now: UnixSeconds) -> u64 {
        let seen = self.at(now);
        let share = MINUTE_SECONDS.saturating_sub(now.0 % MINUTE_SECONDS);
        let before = u64::from(seen.in_the_one_before).saturating_mul(share);
        u64::from(seen.in_this).saturating_mul(MINUTE_SECONDS).saturating_add(before)
    }

    /// How long until the source has brought fewer than `most` within a minute, if it brings no further one.
    pub(super) fn seconds_above(self, most: u32, now: UnixSeconds) -> u64 {
        let most = u64::from(most).saturating_mul(MINUTE_SECONDS);
        let longest = MINUTE_SECONDS.saturating_mul(2);
        (0..longest).find(|seconds| self.sixtieths(now.plus(*seconds)) < most).unwrap_or(longest)
    }

    fn counted(self, now: UnixSeconds) -> Self {
        let seen = self.at(now);
        Self { in_this: seen.in_this.saturating_add(1), ..seen }
    }
}

fn minute_of(now: UnixSeconds) -> u32 {
    u32::try_from(now.0 / MINUTE_SECONDS).unwrap_or(u32::MAX)
}

/// The four slots of a source and of those that share its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotSet {
    bytes: [u8; SET_BYTES],
}

impl From<[u8; SET_BYTES]> for SlotSet {
    fn from(bytes: [u8; SET_BYTES]) -> Self {
        Self { bytes }
    }
}

impl SlotSet {
    fn slots(&self) -> impl Iterator<Item = (Digest, Count)> {
        self.bytes.as_chunks::<SLOT_BYTES>().0.iter().map(|slot| {
            let [d0, d1, d2, d3, d4, d5, d6, d7, m0, m1, m2, m3, t0, t1, b0, b1] = *slot;
            let count = Count {
                minute: u32::from_le_bytes([m0, m1, m2, m3]),
                in_this: u16::from_le_bytes([t0, t1]),
                in_the_one_before: u16::from_le_bytes([b0, b1]),
            };
            ([d0, d1, d2, d3, d4, d5, d6, d7], count)
        })
    }

    /// What this source has to its name.
    pub(super) fn count_of(&self, digest: &Digest) -> Option<Count> {
        self.slots().find(|(held, _)| held == digest).map(|(_, count)| count)
    }

    /// One more for this source: the byte at which its slot begins, and what to write there. A source that has no slot yet
    /// takes that of whoever has brought the fewest of late, so that many sources with one bad token each do not push out
    /// one with many.
    pub(super) fn counted(&self, digest: &Digest, now: UnixSeconds) -> (usize, [u8; SLOT_BYTES]) {
        let own = self.slots().enumerate().find(|(_, (held, _))| held == digest);
        let taken = own.or_else(|| self.slots().enumerate().min_by_key(|(_, (_, count))| count.sixtieths(now)));
        let (place, (held, count)) = taken.unwrap_or_default();
        let count = if held == *digest { count } else { Count::default() }.counted(now);
        let mut slot = [0; SLOT_BYTES];
        let parts = digest
            .iter()
            .copied()
            .chain(count.minute.to_le_bytes())
            .chain(count.in_this.to_le_bytes())
            .chain(count.in_the_one_before.to_le_bytes());
        slot.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        (place.saturating_mul(SLOT_BYTES), slot)
    }
}

/// The slots of an instance that shares none. They cost nothing until the first bad token.
#[derive(Default)]
pub(super) struct OwnCounts {
    bytes: Vec<u8>,
}

impl OwnCounts {
    pub(super) fn read(&self, digest: &Digest) -> SlotSet {
        let slots = self.bytes.get(Self::offset(digest)..).and_then(|rest| rest.first_chunk::<SET_BYTES>());
        SlotSet { bytes: slots.copied().unwrap_or([0; SET_BYTES]) }
    }

    pub(super) fn write(&mut self, digest: &Digest, place: usize, slot: &[u8; SLOT_BYTES]) {
        if self.bytes.is_empty() {
            self.bytes = vec![0; OWN_BYTES];
        }
        let at = Self::offset(digest).saturating_add(place);
        if let Some(held) = self.bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<SLOT_BYTES>()) {
            *held = *slot;
        }
    }

    fn offset(digest: &Digest) -> usize {
        usize::try_from(set_offset(digest, OWN_BYTES as u64)).unwrap_or(0)
    }
}
