//! Up to where the gateway has taken everything. Two slots are written in turn, so that one of them is whole whatever happens.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

const SLOT_BYTES: usize = 12;

/// The file of the mark.
#[derive(Debug)]
pub(super) struct Acknowledged {
    file: File,
    /// Every batch before this one is done with.
    next: u64,
    slot: u64,
}

impl Acknowledged {
    /// Opens or makes it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut mark = Self { file, next: 0, slot: 0 };
        for slot in 0..2 {
            if let Some(next) = mark.read(slot).filter(|next| *next >= mark.next) {
                // The other one is written next.
                (mark.next, mark.slot) = (next, 1_u64.saturating_sub(slot));
            }
        }
        Ok(mark)
    }

    /// The first batch that is not done with.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Moves the mark, never back; on stable storage when it returns.
    pub(super) fn advance(&mut self, next: u64) -> io::Result<()> {
        if next <= self.next {
            return Ok(());
        }
        let number = next.to_le_bytes();
        let slot = [&number[..], &crc32fast::hash(&number).to_le_bytes()].concat();
        self.file.write_all_at(&slot, place(self.slot))?;
        self.file.sync_data()?;
        (self.next, self.slot) = (next, 1_u64.saturating_sub(self.slot));
        Ok(())
    }

    fn read(&self, slot: u64) -> Option<u64> {
        let mut bytes = [0; SLOT_BYTES];
        self.file.read_exact_at(&mut bytes, place(slot)).ok()?;
        let (number, sum) = bytes.split_first_chunk::<8>()?;
        (crc32fast::hash(number).to_le_bytes() == sum).then(|| u64::from_le_bytes(*number))
    }
}

fn place(slot: u64) -> u64 {
    // Slots lie in different sectors, so that no torn write reaches both.
    slot.saturating_mul(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_slot_leaves_the_mark_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acknowledged");
        let mut mark = Acknowledged::open(&path).unwrap();
        for next in [5, 9, 12] {
            mark.advance(next).unwrap();
            assert_eq!(Acknowledged::open(&path).unwrap().next(), next);
        }
        mark.advance(7).unwrap();
        assert_eq!(mark.next(), 12, "a mark does not move back");
        let whole = std::fs::read(&path).unwrap();
        let last = if whole[0] == 12 { 0 } else { 4096 };
        for byte in last..last + SLOT_BYTES {
            let mut torn = whole.clone();
            torn[byte] ^= 1;
            std::fs::write(&path, &torn).unwrap();
            let mut mark = Acknowledged::open(&path).unwrap();
            assert_eq!(mark.next(), 9);
            mark.advance(13).unwrap();
            assert_eq!(Acknowledged::open(&path).unwrap().next(), 13);
        }
    }
}
