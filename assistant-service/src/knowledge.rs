//! What the assistant may know: a folder of Markdown documents, cut into sections and indexed in memory.
//!
//! A [`Knowledge`] never changes once it is loaded; a newer one takes its place as a whole.

mod folder;
mod index;
mod markdown;
mod sentences;
mod words;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use folder::{SkipReason, Skipped};
pub use markdown::{Passage, Section};
pub(crate) use sentences::sentences;
pub use words::{HeldWords, Question, QuestionWord, WordSet};

use index::SectionIndex;
use words::Analyzer;

/// The documents of one folder at one moment.
pub struct Knowledge {
    sections: Vec<IndexedSection>,
    index: SectionIndex,
    analyzer: Analyzer,
    documents: usize,
    skipped: Vec<Skipped>,
}

/// A section with the words of its parts, so that no question analyses documents again.
#[derive(Debug)]
pub struct IndexedSection {
    /// The section.
    pub section: Section,
    /// The words of the heading path.
    pub heading_words: WordSet,
    /// The words of the section's own heading, read as a question: many headings are one.
    pub title: Question,
    /// The words of each passage, in the section's order.
    pub passages: Vec<IndexedPassage>,
}

/// The words of one passage.
#[derive(Debug)]
pub struct IndexedPassage {
    /// Where it stands.
    pub passage: Passage,
    /// Its own words.
    pub words: WordSet,
    /// The words of the sentence or the table head that introduces it.
    pub introduction_words: WordSet,
    /// Whether it holds a figure.
    pub has_number: bool,
}

/// Why a folder could not be loaded.
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
    /// The index cannot be made.
    #[error("cannot index the documents: {0}")]
    Index(#[from] tantivy::TantivyError),
}

impl Knowledge {
    /// Reads every Markdown file below `folder`. What cannot be read is left out and stands in [`Knowledge::skipped`].
    pub fn load(folder: &Path) -> Result<Self, CannotLoad> {
        let (documents, skipped) =
            folder::read_documents(folder).map_err(|cause| CannotLoad::Folder { folder: folder.to_owned(), cause })?;
        let analyzer = Analyzer::default();
        let sections = documents.iter().flat_map(|document| markdown::sections(&document.file, &document.text));
        let sections: Vec<_> = sections.collect();
        let index = SectionIndex::new(&sections)?;
        let sections = sections.into_iter().map(|section| IndexedSection::new(section, &analyzer, &index)).collect();
        Ok(Self { sections, index, analyzer, documents: documents.len(), skipped })
    }

    /// A question as its content words, each with its weight.
    #[must_use]
    pub fn question(&self, text: &str) -> Question {
        self.analyzer.question(text, |stem| self.index.weight(stem))
    }

    /// The words of any other text, for comparison with those of a question.
    #[must_use]
    pub fn words(&self, text: &str) -> WordSet {
        self.analyzer.words(text)
    }

    /// The sections that fit the question best by BM25, best first.
    pub fn search(&self, question: &Question, limit: usize) -> tantivy::Result<Vec<&IndexedSection>> {
        let found = self.index.search(question.words().iter().map(|word| word.stem.as_str()), limit)?;
        Ok(found.into_iter().filter_map(|ordinal| self.sections.get(ordinal)).collect())
    }

    /// How many documents were read.
    #[must_use]
    pub fn document_count(&self) -> usize {
        self.documents
    }

    /// How many sections they hold.
    #[must_use]
    pub fn section_count(&self) -> usize {
        self.sections.len()
    }

    /// What was left out, and why.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
}

impl IndexedSection {
    fn new(section: Section, analyzer: &Analyzer, index: &SectionIndex) -> Self {
        let passages = section.passages().iter().map(|passage| IndexedPassage {
            words: analyzer.words(section.quote(passage)),
            introduction_words: analyzer.words(section.introduction(passage)),
            has_number: section.quote(passage).contains(|character: char| character.is_ascii_digit()),
            passage: passage.clone(),
        });
        let passages = passages.collect();
        let heading_words = analyzer.words(&section.heading);
        let title = analyzer.question(section.title(), |stem| index.weight(stem));
        Self { heading_words, title, passages, section }
    }
}
