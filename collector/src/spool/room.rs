//! Room: when a segment is begun, and which ones go.

use std::io;

use super::Spool;
use super::segment::Segment;

/// What is dropped at once when there is no room is not more than this part.
const SEGMENTS: u64 = 16;
const LARGEST_SEGMENT_BYTES: u64 = 4 * 1024 * 1024;

impl Spool {
    pub(super) fn segment_bytes(&self) -> u64 {
        self.most_bytes.checked_div(SEGMENTS).unwrap_or_default().min(LARGEST_SEGMENT_BYTES)
    }

    /// Begins a new segment, unless the last one is new.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        if self.last().is_some_and(|last| last.first == last.end) {
            return Ok(());
        }
        let (segment, writer) = Segment::new(&self.folder, self.next()).begin(self.place.as_ref())?;
        self.segments.push_back(segment);
        self.writer = writer;
        self.drop_done()
    }

    /// Drops the oldest segments until `needed` bytes have room. What is newest says what is wrong now.
    pub(super) fn make_room(&mut self, needed: u64) -> io::Result<()> {
        while self.bytes().saturating_add(needed) > self.most_bytes && self.segments.len() > 1 {
            let waiting = self.first_waiting();
            let Some(oldest) = self.segments.front() else { break };
            oldest.remove()?;
            // Counted where it happens: whatever is wanted the room for may still fail.
            self.lost = self.lost.saturating_add(oldest.end.saturating_sub(waiting));
            self.segments.pop_front();
            self.head = 0;
        }
        Ok(())
    }

    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Takes away the segments of which everything is done with, but for the last one.
    pub(super) fn drop_done(&mut self) -> io::Result<()> {
        while let [oldest, _, ..] = self.segments.make_contiguous()
            && oldest.end <= self.acknowledged.next()
        {
            oldest.remove()?;
            self.segments.pop_front();
            self.head = 0;
        }
        Ok(())
    }
}
