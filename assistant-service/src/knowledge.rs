//! What the assistant may know: folders of documents, cut into sections and indexed in memory.
//!
//! A [`Knowledge`] never changes once it is loaded; a newer one takes its place as a whole. Whoever asks it says first by
//! which scopes ([`Knowledge::for_reader`]), and sees no more than those open.

mod asking;
mod audience;
mod code;
mod code_part;
mod document;
mod embedding;
mod folder;
mod front_matter;
mod identifiers;
mod index;
mod kind;
mod library;
mod listing;
mod markdown;
mod plain;
mod progress;
mod question;
mod ranking;
mod readable;
mod reading;
mod section;
mod sentences;
mod shelf;
mod shelving;
mod spelling;
mod synonyms;
mod watching;
mod words;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use thiserror::Error;

pub use audience::{Audience, Scopes};
pub(crate) use code_part::CodePart;
pub use document::{IndexedPassage, IndexedSection};
pub(crate) use embedding::read_embeddings;
pub use embedding::{CannotEmbed, EmbeddingSettings, Embeddings, QuestionVector, Similarities};
pub use folder::{SkipReason, Skipped};
pub use front_matter::{FrontMatter, InvalidFrontMatter};
pub(crate) use kind::language_name;
pub use library::Library;
pub(crate) use listing::ClosedPassages;
pub use question::{HeldWords, Question, QuestionWord};
pub use readable::{Found, Readable};
pub use section::{Passage, Section};
pub(crate) use sentences::sentences;
pub(crate) use watching::is_followed;
pub use watching::{CannotFollow, CurrentKnowledge};
pub use words::WordSet;

use shelf::Shelf;
use words::Analyzer;

/// The documents at one moment.
#[derive(Default)]
pub struct Knowledge {
    shelves: Vec<Arc<Shelf>>,
    analyzer: Analyzer,
    skipped: Vec<Skipped>,
    is_read: bool,
}

/// Why documents could not be loaded.
#[derive(Debug, Error)]
pub enum CannotLoad {
    /// The folder itself cannot be read.
    #[error("cannot read the documents in {folder} ({cause}); name a folder that this user may read")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Two folders would give their documents the same names.
    #[error("two folders of documents are called {name}: citations would not tell them apart; rename one")]
    SameName {
        /// The folders' own name.
        name: String,
    },
    /// The index cannot be made.
    #[error("cannot index the documents: {0}")]
    Index(#[from] tantivy::TantivyError),
}

impl Knowledge {
    /// Reads every document below `folder`. What cannot be read is left out and stands in [`Knowledge::skipped`].
    pub fn load(folder: &Path) -> Result<Self, CannotLoad> {
        let found = Library::of(&[folder.to_owned()])?.look(SystemTime::now())?;
        Ok(found.unwrap_or_default())
    }

    /// The part that a reader with these scopes may know.
    #[must_use]
    pub fn for_reader(&self, scopes: &Scopes) -> Readable<'_> {
        let shelves = self.shelves.iter().map(Arc::as_ref).filter(|shelf| shelf.audience.admits(scopes));
        Readable { shelves: shelves.collect(), analyzer: &self.analyzer }
    }

    /// Whether the folders have been looked through: what is known before that is nothing.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.is_read
    }

    /// How many documents were read, whoever may read them.
    #[must_use]
    pub fn document_count(&self) -> usize {
        self.shelves.iter().map(|shelf| shelf.documents.len()).sum()
    }

    /// How many sections they hold.
    #[must_use]
    pub fn section_count(&self) -> usize {
        self.shelves.iter().map(|shelf| shelf.section_count()).sum()
    }

    /// What was left out, and why.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
}
