//! A file of records with rising numbers. Only the last one grows; the oldest goes once all of it is done with.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::folder::sync_folder;
use super::record::{Entry, HEAD_BYTES, Record, frame, is_all_there, record, sequence};
use crate::reading::Place;

const SUFFIX: &str = ".segment";

/// A segment on disk.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    /// The number of its first batch, which is its name too.
    pub(super) first: u64,
    /// The number after its last batch.
    pub(super) end: u64,
    /// Of whole records.
    pub(super) bytes: u64,
}

/// What was found in a segment that somebody had written before.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) segment: Segment,
    /// The last place that is told in it.
    pub(super) place: Option<Place>,
    /// Behind the last whole record.
    pub(super) cut_bytes: u64,
    /// The number after the last batch that was written, as far as what is cut off shows it.
    pub(super) spoilt_end: u64,
}

impl Segment {
    /// A new one in `folder`, without a file yet.
    pub(super) fn new(folder: &Path, first: u64) -> Self {
        let path = folder.join(format!("{first:020}{SUFFIX}"));
        Self { path, first, end: first, bytes: 0 }
    }

    /// Those of `folder`, oldest first.
    pub(super) fn all(folder: &Path) -> io::Result<Vec<Self>> {
        let mut segments = Vec::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            let first = name.to_str().and_then(|name| name.strip_suffix(SUFFIX)).and_then(|first| first.parse().ok());
            segments.extend(first.map(|first| Self::new(folder, first)));
        }
        segments.sort_by_key(|segment| segment.first);
        Ok(segments)
    }

    /// Reads it to the last whole record, and cuts off what is behind: a crash in the middle of a write, or a disk's fault.
    pub(super) fn recover(mut self) -> io::Result<Found> {
        let bytes = fs::read(&self.path)?;
        let (mut rest, mut place) = (&bytes[..], None);
        while let Some(Record { sequence, entry, bytes, .. }) = record(rest) {
            let told = match entry {
                Entry::Begin { place } if sequence == self.first && self.bytes == 0 => place,
                Entry::Batch { place, .. } if sequence == self.end && self.bytes != 0 => {
                    self.end = self.end.saturating_add(1);
                    place
                }
                // Whole, but not where it belongs.
                _ => break,
            };
            place = told.or(place);
            self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
            rest = rest.get(bytes..).unwrap_or_default();
        }
        let cut_bytes = u64::try_from(rest.len()).unwrap_or(u64::MAX);
        let spoilt_end = self.spoilt_end(rest);
        if cut_bytes > 0 {
            let file = File::options().write(true).open(&self.path)?;
            file.set_len(self.bytes)?;
            file.sync_all()?;
        }
        Ok(Found { segment: self, place, cut_bytes, spoilt_end })
    }

    /// How far the batches went of which `rest` is left. Behind a fault of the disk there may be whole records; where there is none, a
    /// last record that is all there was written once, and one that is not is a write that a crash has ended.
    fn spoilt_end(&self, rest: &[u8]) -> u64 {
        let most = self.end.saturating_add(u64::try_from(rest.len() / HEAD_BYTES).unwrap_or(u64::MAX));
        let is_batch = self.bytes != 0 && is_all_there(rest) && sequence(rest) == Some(self.end);
        let (mut end, mut rest) = (if is_batch { self.end.saturating_add(1) } else { self.end }, rest);
        while !rest.is_empty() {
            // Most bytes are told by the number alone, so that no checksum is tried at each of them.
            let found = sequence(rest).filter(|number| (self.end..most).contains(number)).and_then(|_| record(rest));
            if let Some(Record { sequence, entry: Entry::Batch { .. }, .. }) = &found {
                end = end.max(sequence.saturating_add(1));
            }
            rest = rest.get(found.map_or(1, |found| found.bytes)..).unwrap_or_default();
        }
        end
    }

    /// Makes its file with its first record, on stable storage, to be written to.
    pub(super) fn begin(mut self, place: Option<&Place>) -> io::Result<(Self, File)> {
        let bytes = frame(self.first, &Entry::Begin { place: place.cloned() }).map_err(io::Error::other)?;
        // Whole or not there: a segment of this name without batches, left by a crash, is written over.
        let fresh = self.path.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        sync_folder(&self.path)?;
        self.bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok((self, file))
    }

    /// Takes it away.
    pub(super) fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}
