//! What is known of every operation, from the journals alone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::journal::Line;
use crate::lease::{Lease, LeaseLine};
use crate::operation::{Kind, Operation};

/// What is known of one operation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known {
    /// The position that it was acknowledged with, or 0 where that was not told.
    pub(crate) kept: Option<u64>,
    /// Some try of it has no answer, or one that promises nothing.
    pub(crate) is_in_doubt: bool,
    is_open: bool,
}

/// What all journals say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Witness {
    pub(crate) operations: BTreeMap<Operation, Known>,
    pub(crate) offered_twice: u64,
    pub(crate) refused_full: u64,
    pub(crate) conflicts: u64,
    pub(crate) unknown: u64,
    /// Answers that no promise allows.
    pub(crate) wrong: Vec<String>,
    journals: Vec<(PathBuf, u64)>,
    /// How often a worker was ready.
    pub(crate) ready: u64,
    /// Why workers ended by themselves.
    pub(crate) ended: Vec<String>,
    /// What holders say, in the order in which it happened, with their numbers.
    pub(crate) leases: Vec<(u32, LeaseLine)>,
}

impl Witness {
    /// Reads this journal too from now on.
    pub(crate) fn hear(&mut self, journal: &Path) {
        self.journals.push((journal.to_owned(), 0));
    }

    /// Takes in what the journals say more.
    pub(crate) fn read(&mut self) -> Result<()> {
        let mut journals = std::mem::take(&mut self.journals);
        for (path, read) in &mut journals {
            let fresh = match read_from(path, *read) {
                Ok(bytes) => String::from_utf8(bytes).context("a journal that is no text")?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
            };
            // A line without its end is still being written.
            let whole = fresh.rfind('\n').map_or(0, |end| end + 1);
            for line in fresh.get(..whole).unwrap_or_default().lines() {
                let line = Line::parse(line).with_context(|| format!("the journal says {line:?}"))?;
                self.take(line);
            }
            *read += whole as u64;
        }
        self.journals = journals;
        Ok(())
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Ready => self.ready += 1,
            Line::Ended(why) => self.ended.push(why),
            Line::Tried(operation) => {
                let known = self.operations.entry(operation).or_default();
                // The last try was cut off without an answer.
                known.is_in_doubt |= known.is_open;
                known.is_open = true;
            }
            Line::Kept(operation, position) => {
                let known = self.operations.entry(operation).or_default();
                (known.kept, known.is_open) = (Some(position), false);
            }
            Line::Again(_) => self.offered_twice += 1,
            Line::Refused(operation, why) => {
                if why == "full" {
                    self.refused_full += 1;
                } else {
                    self.conflicts += 1;
                }
                self.operations.entry(operation).or_default().is_open = false;
            }
            Line::Unknown(operation, _) => {
                self.unknown += 1;
                let known = self.operations.entry(operation).or_default();
                (known.is_in_doubt, known.is_open) = (true, false);
            }
            Line::Wrong(operation, why) => {
                self.wrong.push(format!("{operation:?} was answered wrongly: {why}"));
                self.operations.entry(operation).or_default().is_open = false;
            }
            Line::Lease(holder, line) => self.leases.push((holder, line)),
        }
    }

    /// Whether somebody was handed the event later.
    pub(crate) fn is_overtaken(&self, lease: Lease) -> bool {
        self.leases.iter().rev().any(|(_, line)| match line {
            LeaseLine::Handed(later) => later.lease.position == lease.position && later.lease.fence > lease.fence,
            _ => false,
        })
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.operations.values().filter(|known| known.kept.is_some()).count() as u64
    }

    pub(crate) fn acknowledged_by(&self, writers: Range<u32>) -> u64 {
        let of_them = Operation { writer: writers.start, number: 0 }..Operation { writer: writers.end, number: 0 };
        self.operations.range(of_them).filter(|(_, known)| known.kept.is_some()).count() as u64
    }

    /// The farthest position that was acknowledged to these writers.
    pub(crate) fn farthest(&self, writers: Range<u32>) -> u64 {
        let of_them = self.operations.iter().filter(|(operation, _)| writers.contains(&operation.writer));
        of_them.filter_map(|(_, known)| known.kept).max().unwrap_or_default()
    }

    /// Takes what was acknowledged to these writers since for in doubt: it may be lost. Gives how much that is.
    pub(crate) fn forgive(&mut self, since: &Self, writers: Range<u32>) -> u64 {
        let mut forgiven = 0;
        for (operation, known) in &mut self.operations {
            if !writers.contains(&operation.writer) {
                continue;
            }
            if known.kept.is_some() && since.operations.get(operation).is_none_or(|then| then.kept.is_none()) {
                *known = Known { kept: None, is_in_doubt: true, is_open: known.is_open };
                forgiven += 1;
            }
        }
        forgiven
    }

    /// With what a writer goes on after its worker has ended.
    pub(crate) fn next_of(&self, writer: u32) -> u64 {
        let of_it = Operation { writer, number: 0 }..=Operation { writer, number: u64::MAX };
        match self.operations.range(of_it).next_back() {
            None => 0,
            // A count is not offered again: what it was built on may have changed.
            Some((last, known)) if known.kept.is_some() || last.kind() == Kind::Count => last.number + 1,
            Some((last, _)) => last.number,
        }
    }
}

impl Known {
    /// Whether it may be there although nobody said so.
    pub(crate) fn may_be_there(self) -> bool {
        self.is_in_doubt || self.is_open || self.kept.is_some()
    }
}

/// A journal is read again and again while it grows: only what is new of it.
fn read_from(path: &Path, place: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(place))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
