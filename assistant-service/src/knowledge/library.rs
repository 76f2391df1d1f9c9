//! The folders of documents as they were seen last, so that a later look reads only what has changed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::document::Document;
use super::folder::{Folder, Found, SkipReason, Skipped, Stamp, read};
use super::shelf::{Shelf, shelve};
use super::words::Analyzer;
use super::{CannotLoad, Knowledge};

/// How many files are read between two lines in the log.
const FILES_PER_REPORT: usize = 500;

/// Folders, and what is known of them.
pub struct Library {
    folders: Vec<Folder>,
    known: BTreeMap<String, Known>,
    shelves: Vec<Arc<Shelf>>,
    analyzer: Analyzer,
    /// Whether what is known is newer than the knowledge that was given last.
    is_newer: bool,
    /// How many files were read since the beginning.
    pub(super) files_read: usize,
}

/// What is known of a file, and as of when.
#[derive(Clone)]
struct Known {
    /// Nothing while the file is so fresh that it could change again and look the same.
    stamp: Option<Stamp>,
    content: Result<Arc<Document>, SkipReason>,
}

impl Library {
    /// Folders that nobody has looked at yet. Where there are several, each document's name begins with its folder's own.
    pub fn of(folders: &[PathBuf]) -> Result<Self, CannotLoad> {
        Ok(Self {
            folders: Folder::all(folders)?,
            known: BTreeMap::new(),
            shelves: Vec::new(),
            analyzer: Analyzer::default(),
            is_newer: true,
            files_read: 0,
        })
    }

    /// Looks through the folders: what the documents say now, when that is not what they said at the last look.
    pub fn look(&mut self, now: SystemTime) -> Result<Option<Knowledge>, CannotLoad> {
        let mut listed = Vec::new();
        for folder in &self.folders {
            listed.extend(folder.list()?);
        }
        let of = listed.len();
        let before = std::mem::take(&mut self.known);
        for (number, found) in (1_usize..).zip(listed) {
            let known = before.get(&found.file);
            let still = known.filter(|known| known.stamp.is_some() && known.stamp == found.stamp.ok());
            let file = found.file.clone();
            let newly = match still {
                Some(still) => still.clone(),
                None => self.read(found, known, now),
            };
            self.is_newer |= known.is_none_or(|known| !known.says_the_same_as(&newly));
            self.known.insert(file, newly);
            if number.is_multiple_of(FILES_PER_REPORT) && still.is_none() {
                tracing::info!(read = number, of, "reading documents");
            }
        }
        self.is_newer |= before.keys().any(|file| !self.known.contains_key(file));
        if self.is_newer { self.knowledge().map(Some) } else { Ok(None) }
    }

    fn read(&mut self, found: Found, before: Option<&Known>, now: SystemTime) -> Known {
        let Found { file, path, kind, stamp } = found;
        let text = stamp.and_then(|_| {
            self.files_read = self.files_read.saturating_add(1);
            read(&path)
        });
        let content = text.and_then(|text| {
            let same = before.and_then(|before| before.content.as_ref().ok()).filter(|document| document.is_of(&text));
            match same {
                Some(document) => Ok(Arc::clone(document)),
                None => Document::read(file, kind, text, &self.analyzer).map(Arc::new),
            }
        });
        Known { stamp: stamp.ok().filter(|stamp| stamp.is_settled(now)), content }
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
        self.is_newer = false;
        Ok(Knowledge { shelves: self.shelves.clone(), analyzer: self.analyzer.clone(), skipped })
    }
}

impl Known {
    fn says_the_same_as(&self, other: &Self) -> bool {
        match (&self.content, &other.content) {
            (Ok(one), Ok(other)) => Arc::ptr_eq(one, other),
            (Err(one), Err(other)) => one == other,
            _ => false,
        }
    }
}
