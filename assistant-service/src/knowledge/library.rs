//! The folders of documents as they were seen last, so that a later look reads only what has changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::Document;
use super::folder::{self, Found, SkipReason, Skipped, Stamp};
use super::shelf::{Shelf, shelve};
use super::words::Analyzer;
use super::{CannotLoad, Knowledge};

/// How many files are read between two lines in the log.
const FILES_PER_REPORT: usize = 500;

/// A folder, and what is known of it.
pub struct Library {
    folder: PathBuf,
    known: BTreeMap<String, Known>,
    shelves: Vec<Arc<Shelf>>,
    analyzer: Analyzer,
}

struct Known {
    stamp: Result<Stamp, SkipReason>,
    content: Result<Arc<Document>, SkipReason>,
}

impl Library {
    /// A folder that nobody has looked at yet.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), known: BTreeMap::new(), shelves: Vec::new(), analyzer: Analyzer::default() }
    }

    /// Looks through the folder: what its documents say now.
    pub fn look(&mut self) -> Result<Knowledge, CannotLoad> {
        let listed =
            folder::list(&self.folder).map_err(|cause| CannotLoad::Folder { folder: self.folder.clone(), cause })?;
        let of = listed.len();
        let mut known = BTreeMap::new();
        let mut read = 0_usize;
        for found in listed {
            let before = self.known.remove(&found.file).filter(|before| before.stamp == found.stamp);
            let file = found.file.clone();
            let now = before.unwrap_or_else(|| {
                read = read.saturating_add(1);
                if read.is_multiple_of(FILES_PER_REPORT) {
                    tracing::info!(read, of, "reading documents");
                }
                self.read(found)
            });
            known.insert(file, now);
        }
        self.known = known;
        self.knowledge()
    }

    fn read(&self, found: Found) -> Known {
        let Found { file, path, kind, stamp } = found;
        let text = stamp.and_then(|_| folder::read(&path));
        let content = text.and_then(|text| Document::read(file, kind, text, &self.analyzer)).map(Arc::new);
        Known { stamp, content }
    }

    fn knowledge(&mut self) -> Result<Knowledge, CannotLoad> {
        let (mut documents, mut skipped) = (Vec::new(), Vec::new());
        for (file, known) in &self.known {
            match &known.content {
                Ok(document) => documents.push(Arc::clone(document)),
                Err(reason) => skipped.push(Skipped { file: file.clone(), reason: *reason }),
            }
        }
        self.shelves = shelve(&documents, &self.shelves)?;
        Ok(Knowledge { shelves: self.shelves.clone(), analyzer: self.analyzer.clone(), skipped })
    }
}
