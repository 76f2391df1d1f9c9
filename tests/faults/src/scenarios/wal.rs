//! SQLite's write-ahead log, as far as one must read it to cut it where a power cut could: <https://sqlite.org/fileformat2.html#walformat>

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// The frames of the log's current round, from its beginning.
#[derive(Clone, Debug, Default)]
pub(super) struct Wal {
    pub(super) page_bytes: usize,
    /// Where the frames of each commit end, in order.
    pub(super) commits: Vec<usize>,
    /// Where each frame ends, and of which page it is.
    frames: Vec<(usize, u32)>,
}

impl Wal {
    /// Reads a log up to the first frame of an earlier round.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        if bytes.len() < HEADER {
            return Ok(Self::default());
        }
        let page_bytes = usize::try_from(number(bytes, 8)?)?;
        let salt = bytes.get(16..24).context("a header without salt")?;
        let mut wal = Self { page_bytes, ..Self::default() };
        let mut at = HEADER;
        while let Some(frame) = bytes.get(at..at + FRAME_HEADER + page_bytes)
            && frame.get(8..16) == Some(salt)
        {
            at += FRAME_HEADER + page_bytes;
            wal.frames.push((at, number(frame, 0)?));
            if number(frame, 4)? > 0 {
                wal.commits.push(at);
            }
        }
        Ok(wal)
    }

    /// Pages of which the first `bytes` of the log hold a whole frame.
    pub(super) fn pages_within(&self, bytes: usize) -> BTreeSet<u32> {
        self.frames.iter().filter(|(end, _)| *end <= bytes).map(|(_, page)| *page).collect()
    }
}

fn number(bytes: &[u8], at: usize) -> Result<u32> {
    let four = bytes.get(at..at + 4).context("a log that ends in a number")?;
    Ok(u32::from_be_bytes(four.try_into()?))
}
