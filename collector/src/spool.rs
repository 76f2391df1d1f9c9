//! What the gateway has not taken yet, on disk: nothing is posted that is not on stable storage, and nothing leaves before the
//! gateway's 202.
//!
//! A folder with segments of records, a mark up to where all is taken, a file of what is refused, and the spool's name. An event's id
//! is that name, its number and its checksum: sent again it is the same event, and no other event ever has its id.

mod acknowledged;
mod folder;
mod read;
mod record;
mod refused;
mod room;
mod segment;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use diagnosis::Millis;
use thiserror::Error;

use crate::reading::Place;
use acknowledged::Acknowledged;
use folder::{make_folder, name};
pub(crate) use read::Spooled;
use record::{Entry, frame};
use refused::RefusedFile;
use segment::{Found, Segment};

/// The least that a spool may be given.
pub const LEAST_BYTES: u64 = 1024 * 1024;

/// Why a spool cannot be used.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// Another process has it.
    #[error("another collector uses the spool {0}")]
    InUse(PathBuf),
    /// There is too little room to be of use.
    #[error("a spool needs at least 1 MiB")]
    TooSmall,
    /// The disk says no.
    #[error("the spool {0} cannot be {1}")]
    Disk(PathBuf, &'static str, #[source] io::Error),
    /// What worked with it has come to an end that it should not have.
    #[error("the spool cannot be used: {0}")]
    Broken(String),
    /// The operating system has no random numbers.
    #[error("there are no random numbers for the spool's name")]
    Random,
}

/// A batch on its way into the spool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewBatch<'a> {
    pub(crate) device: &'a str,
    pub(crate) time: Millis,
    pub(crate) place: Option<&'a Place>,
    pub(crate) data: &'a str,
}

/// The spool of one collector.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    /// What tells this spool's events from all others.
    name: String,
    most_bytes: u64,
    /// Oldest first; never empty, and the last one is written to.
    segments: VecDeque<Segment>,
    writer: File,
    /// A write failed: what it may have left behind the last whole record is cut off before the next one.
    is_torn: bool,
    acknowledged: Acknowledged,
    /// Where in the oldest segment the first batch stands that is not done with; 0 where that is to be looked for.
    head: u64,
    place: Option<Place>,
    refused: RefusedFile,
    /// What had to be cut off when it was opened.
    cut_bytes: u64,
    /// Events that are gone and were never taken, since it was opened.
    lost: u64,
    // Last: the lock goes when all else has gone.
    _lock: File,
}

impl Spool {
    /// Opens the spool in `folder`, or makes it. Blocks.
    pub(crate) fn open(folder: &Path, most_bytes: u64) -> Result<Self, SpoolError> {
        if most_bytes < LEAST_BYTES {
            return Err(SpoolError::TooSmall);
        }
        let opened = |error| SpoolError::Disk(folder.to_owned(), "opened", error);
        make_folder(folder).map_err(opened)?;
        let lock = File::create(folder.join("lock")).map_err(opened)?;
        if lock.try_lock().is_err() {
            return Err(SpoolError::InUse(folder.to_owned()));
        }
        let name = name(folder)?;
        let acknowledged = Acknowledged::open(&folder.join("acknowledged")).map_err(opened)?;
        let (mut segments, mut place, mut cut_bytes, mut lost) = (VecDeque::new(), None, 0_u64, 0_u64);
        let mut all = Segment::all(folder).map_err(opened)?.into_iter().peekable();
        while let Some(segment) = all.next() {
            let found: Found = segment.recover().map_err(opened)?;
            if found.cut_bytes > 0 {
                // Whoever follows says how far this one went; of the last one only what is left behind the fault does.
                let end = all.peek().map_or(found.spoilt_end, |next| next.first);
                lost = lost.saturating_add(end.saturating_sub(found.segment.end.max(acknowledged.next())));
            }
            cut_bytes = cut_bytes.saturating_add(found.cut_bytes);
            place = found.place.or(place);
            segments.push_back(found.segment);
        }
        let next = segments.back().map_or(0, |segment| segment.end).max(acknowledged.next());
        let first = Segment::new(folder, next);
        // Held by the mark alone until the segment exists; the old ones keep the place until then.
        let (fresh, writer) = first.begin(place.as_ref()).map_err(opened)?;
        segments.retain(|segment| segment.first != fresh.first);
        segments.push_back(fresh);
        let refused = RefusedFile::of(folder);
        let folder = folder.to_owned();
        let mut spool = Self {
            folder,
            name,
            most_bytes,
            segments,
            writer,
            is_torn: false,
            acknowledged,
            head: 0,
            place,
            refused,
            cut_bytes,
            lost,
            _lock: lock,
        };
        spool.drop_done().map_err(|error| spool.cannot("opened", error))?;
        Ok(spool)
    }

    /// Keeps batches, all or none of them; they are on stable storage when it returns. Older ones may have to go to make room, and are
    /// gone even where the write fails after that. Blocks.
    pub(crate) fn append(&mut self, batches: &[NewBatch<'_>]) -> Result<(), SpoolError> {
        self.append_all(batches).map_err(|error| self.cannot("written", error))
    }

    fn append_all(&mut self, batches: &[NewBatch<'_>]) -> io::Result<()> {
        self.mend()?;
        let first = self.next();
        let mut bytes = Vec::new();
        let mut place = None;
        for (sequence, batch) in (first..).zip(batches) {
            let NewBatch { device, time, data, .. } = *batch;
            let entry = Entry::Batch { device, time, place: batch.place.cloned(), data };
            bytes.extend(frame(sequence, &entry).map_err(io::Error::other)?);
            place = batch.place.or(place);
        }
        let needed = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.last().is_some_and(|last| last.bytes.saturating_add(needed) > self.segment_bytes()) {
            self.rotate()?;
        }
        self.make_room(needed)?;
        self.is_torn = true;
        self.writer.write_all(&bytes)?;
        self.writer.sync_data()?;
        self.is_torn = false;
        if let Some(last) = self.segments.back_mut() {
            last.bytes = last.bytes.saturating_add(needed);
            last.end = last.end.saturating_add(u64::try_from(batches.len()).unwrap_or(u64::MAX));
        }
        if let Some(place) = place {
            self.place = Some(place.clone());
        }
        Ok(())
    }

    /// These, the oldest that waited, are done with. Those of them that were dropped meanwhile have arrived after all. Blocks.
    pub(crate) fn acknowledge(&mut self, taken: &[u64]) -> Result<(), SpoolError> {
        let Some(last) = taken.last() else { return Ok(()) };
        let waiting = self.first_waiting();
        let rescued = taken.iter().filter(|sequence| **sequence < waiting).count();
        self.acknowledged.advance(last.saturating_add(1)).map_err(|error| self.cannot("written", error))?;
        self.lost = self.lost.saturating_sub(u64::try_from(rescued).unwrap_or(u64::MAX));
        self.drop_done().map_err(|error| self.cannot("written", error))
    }

    /// Puts an event aside that will never be taken. Blocks.
    pub(crate) fn set_aside(&self, reason: &str, event: &str) -> Result<(), SpoolError> {
        self.refused.add(reason, event).map_err(|error| self.cannot("written", error))
    }

    /// How many batches wait. Where a disk has spoilt some, there is a gap between two segments.
    pub(crate) fn waiting(&self) -> u64 {
        let waiting = self.first_waiting();
        self.segments.iter().map(|segment| segment.end.saturating_sub(segment.first.max(waiting))).sum()
    }

    /// How many events are gone that were never taken, since it was opened: for want of room, or by a fault of the disk.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// How far the game's file has been read.
    pub(crate) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// What had to be cut off when it was opened, because a write before had not ended.
    pub(crate) fn cut_bytes(&self) -> u64 {
        self.cut_bytes
    }

    fn next(&self) -> u64 {
        self.last().map_or(0, |last| last.end)
    }

    fn first_waiting(&self) -> u64 {
        self.segments.front().map_or(0, |oldest| oldest.first).max(self.acknowledged.next())
    }

    fn last(&self) -> Option<&Segment> {
        self.segments.back()
    }

    /// Cuts off what a failed write may have left.
    fn mend(&mut self) -> io::Result<()> {
        if self.is_torn {
            let bytes = self.last().map_or(0, |last| last.bytes);
            self.writer.set_len(bytes)?;
            self.writer.seek(SeekFrom::Start(bytes))?;
            self.writer.sync_all()?;
            self.is_torn = false;
        }
        Ok(())
    }

    fn cannot(&self, what: &'static str, error: io::Error) -> SpoolError {
        SpoolError::Disk(self.folder.clone(), what, error)
    }
}

#[cfg(test)]
mod tests;
