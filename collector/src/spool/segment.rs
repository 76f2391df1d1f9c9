//! A file of records with rising numbers. Only the last one grows; the oldest goes once all of it is done with.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::folder::sync_folder;
use super::record::{Entry, Record, frame, record};
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
        if cut_bytes > 0 {
            let file = File::options().write(true).open(&self.path)?;
            file.set_len(self.bytes)?;
            file.sync_all()?;
        }
        Ok(Found { segment: self, place, cut_bytes })
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
