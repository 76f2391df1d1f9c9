//! What waits longest, in its order.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use diagnosis::Millis;

use super::record::{Entry, Record, record};
use super::segment::Segment;
use super::{Spool, SpoolError};

/// Read at once: more than a request has room for.
const READ_BYTES: u64 = 2 * 1024 * 1024;

/// A batch that waits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spooled {
    pub(crate) sequence: u64,
    pub(crate) id: String,
    pub(crate) device: String,
    pub(crate) time: Millis,
    pub(crate) data: String,
}

/// What a request has room for.
struct Wanted {
    /// The number of the first batch that is wanted.
    waiting: u64,
    most: usize,
    room: usize,
    found: Vec<Spooled>,
}

/// How a segment was read.
struct Read {
    /// Where the first batch that waits was found.
    first_waiting: u64,
    /// Whether there is room for more, and nothing in it that cannot be read.
    is_whole: bool,
}

impl Wanted {
    fn read(&mut self, segment: &Segment, name: &str, begin: u64) -> io::Result<Read> {
        let file = File::open(&segment.path)?;
        let (mut offset, mut first_waiting) = (begin, begin);
        while offset < segment.bytes {
            let length = usize::try_from(segment.bytes.saturating_sub(offset).min(READ_BYTES)).unwrap_or_default();
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, offset)?;
            let (mut rest, before) = (&bytes[..], offset);
            while let Some(Record { sequence, checksum, entry, bytes }) = record(rest) {
                match entry {
                    Entry::Batch { device, time, data, .. } if sequence >= self.waiting => {
                        if self.found.len() >= self.most || (data.len() > self.room && !self.found.is_empty()) {
                            return Ok(Read { first_waiting, is_whole: false });
                        }
                        self.room = self.room.saturating_sub(data.len());
                        let (device, data) = (device.to_owned(), data.to_owned());
                        let id = format!("{name}-{sequence}-{checksum:08x}");
                        self.found.push(Spooled { sequence, id, device, time, data });
                    }
                    Entry::Batch { .. } | Entry::Begin { .. } => {}
                }
                offset = offset.saturating_add(u64::try_from(bytes).unwrap_or_default());
                if sequence < self.waiting {
                    first_waiting = offset;
                }
                rest = rest.get(bytes..).unwrap_or_default();
            }
            if offset == before {
                return Ok(Read { first_waiting, is_whole: false });
            }
        }
        Ok(Read { first_waiting, is_whole: true })
    }
}

impl Spool {
    /// The batches that wait longest: at least one if any waits, and no more than `most` and `most_bytes`. They stay. Blocks.
    ///
    /// Also says how many could not be read, and so are lost: by a fault of the disk since they were written.
    pub(crate) fn oldest(&mut self, most: usize, most_bytes: usize) -> Result<(Vec<Spooled>, u64), SpoolError> {
        let mut lost = 0_u64;
        while self.waiting() > 0 {
            let spooled = self.read(most, most_bytes).map_err(|error| self.cannot("read", error))?;
            if !spooled.is_empty() {
                return Ok((spooled, lost));
            }
            lost = lost.saturating_add(self.skip_unreadable().map_err(|error| self.cannot("written", error))?);
        }
        Ok((Vec::new(), lost))
    }

    fn read(&mut self, most: usize, most_bytes: usize) -> io::Result<Vec<Spooled>> {
        let waiting = self.first_waiting();
        let mut wanted = Wanted { waiting, most, room: most_bytes, found: Vec::new() };
        for (index, segment) in self.segments.iter().enumerate().filter(|(_, segment)| segment.end > waiting) {
            let begin = if index == 0 { self.head } else { 0 };
            let read = wanted.read(segment, &self.name, begin)?;
            if index == 0 {
                self.head = read.first_waiting;
            }
            if !read.is_whole {
                break;
            }
        }
        Ok(wanted.found)
    }

    /// Gives up the rest of the segment in which a record is no longer what was written.
    fn skip_unreadable(&mut self) -> io::Result<u64> {
        let waiting = self.first_waiting();
        let Some(end) = self.segments.iter().map(|segment| segment.end).find(|end| *end > waiting) else {
            return Ok(0);
        };
        if end == self.next() {
            // Nothing is written behind what cannot be read.
            self.rotate()?;
        }
        self.acknowledged.advance(end)?;
        let lost = end.saturating_sub(waiting);
        self.lost = self.lost.saturating_add(lost);
        self.drop_done()?;
        Ok(lost)
    }
}
