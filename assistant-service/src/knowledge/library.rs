//! The folders of documents as they were seen last, so that a later look reads only what has changed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::document::Document;
use super::folder::{Folder, Found, SkipReason, Skipped, Stamp, read};
use super::kind::Kind;
use super::reading;
use super::shelving::Shelving;
use super::words::Analyzer;
use super::{CannotLoad, Knowledge};

/// Makes a document of a file's name, its kind and its text.
pub(super) type ReadDocument = fn(String, Kind, String, &Analyzer) -> Result<Document, SkipReason>;

/// Folders, and what is known of them.
pub struct Library {
    folders: Vec<Folder>,
    known: BTreeMap<String, Known>,
    shelving: Shelving,
    analyzer: Analyzer,
    pub(super) read_document: ReadDocument,
    /// Whether what is known is newer than the knowledge that was given last.
    is_newer: bool,
    /// How many files were read since the beginning.
    pub(super) files_read: usize,
}

/// What is known of a file, and as of when.
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
            shelving: Shelving::default(),
            analyzer: Analyzer::default(),
            read_document: Document::read,
            is_newer: true,
            files_read: 0,
        })
    }

    /// Looks through the folders: what the documents say now, when that is not what they said at the last look.
    pub fn look(&mut self, now: SystemTime) -> Result<Option<Knowledge>, CannotLoad> {
        let listed = self.list()?;
        let mut before = std::mem::take(&mut self.known);
        let mut unread = Vec::new();
        for found in listed {
            match before.remove_entry(&found.file) {
                Some((file, known)) if known.is_of(&found) => {
                    self.known.insert(file, known);
                }
                known => unread.push((found, known.map(|(_, known)| known))),
            }
        }
        self.is_newer |= !before.is_empty();
        self.files_read =
            self.files_read.saturating_add(unread.iter().filter(|(found, _)| found.stamp.is_ok()).count());
        let read_document = |file, kind, text| understood(self.read_document, file, kind, text, &self.analyzer);
        for (file, known, is_newer) in
            reading::each(unread, |(found, known)| Known::read(found, known, now, read_document))
        {
            self.is_newer |= is_newer;
            self.known.insert(file, known);
        }
        if self.is_newer { self.knowledge().map(Some) } else { Ok(None) }
    }

    /// All files of the folders.
    pub(super) fn list(&self) -> Result<Vec<Found>, CannotLoad> {
        let mut listed = Vec::new();
        for folder in &self.folders {
            listed.extend(folder.list()?);
        }
        Ok(listed)
    }

    fn knowledge(&mut self) -> Result<Knowledge, CannotLoad> {
        let (mut documents, mut skipped) = (Vec::new(), Vec::new());
        for (file, known) in &self.known {
            match &known.content {
                Ok(document) => documents.push(Arc::clone(document)),
                Err(reason) => skipped.push(Skipped { file: file.clone(), reason: *reason }),
            }
        }
        let shelves = self.shelving.shelve(&documents, &self.analyzer)?;
        self.is_newer = false;
        Ok(Knowledge { shelves, analyzer: self.analyzer.clone(), skipped, is_read: true })
    }
}

/// Reads a document. One at which the reader breaks is left out, and the thread that follows all the others goes on: what it
/// said before may have been for more readers than it is now.
fn understood(
    read_document: ReadDocument,
    file: String,
    kind: Kind,
    text: String,
    analyzer: &Analyzer,
) -> Result<Document, SkipReason> {
    // Nothing outlives the panic that it could leave half changed: the analyzer is only read.
    let outcome = catch_unwind(AssertUnwindSafe(|| read_document(file, kind, text, analyzer)));
    outcome.unwrap_or(Err(SkipReason::NotUnderstood))
}

impl Known {
    /// Reads a file: its name, what is known of it from now on, and whether that is anything else than before.
    fn read(
        found: Found,
        before: Option<Self>,
        now: SystemTime,
        read_document: impl Fn(String, Kind, String) -> Result<Document, SkipReason>,
    ) -> (String, Self, bool) {
        let Found { file, path, kind, stamp } = found;
        let content = stamp.and_then(|_| read(&path)).and_then(|text| {
            let same = before.as_ref().and_then(|before| before.content.as_ref().ok());
            match same.filter(|document| document.is_of(&text)) {
                Some(document) => Ok(Arc::clone(document)),
                None => read_document(file.clone(), kind, text).map(Arc::new),
            }
        });
        let known = Self { stamp: stamp.ok().filter(|stamp| stamp.is_settled(now)), content };
        let is_newer = before.is_none_or(|before| !before.says_the_same_as(&known));
        (file, known, is_newer)
    }

    /// Whether the file has not changed since it was read.
    fn is_of(&self, found: &Found) -> bool {
        self.stamp.is_some() && self.stamp == found.stamp.ok()
    }

    fn says_the_same_as(&self, other: &Self) -> bool {
        match (&self.content, &other.content) {
            (Ok(one), Ok(other)) => Arc::ptr_eq(one, other),
            (Err(one), Err(other)) => one == other,
            _ => false,
        }
    }
}
