//! One file as it is known: cut into sections, with the words of each.

use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

use super::embedding::DocumentVectors;
use super::folder::SkipReason;
use super::front_matter::{self, FrontMatter};
use super::kind::Kind;
use super::section::{Passage, Section};
use super::words::{Analyzer, WordSet};
use super::{code, markdown, plain};

/// A document. It is made once of what stands in its file, and thrown away when that changes.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) file: String,
    pub(super) front_matter: Arc<FrontMatter>,
    pub(super) sections: Vec<IndexedSection>,
    /// Made behind the back of whoever asks; until then it is found by its words alone.
    pub(super) vectors: OnceLock<DocumentVectors>,
    digest: [u8; 32],
}

/// A section with the words of its parts, so that no question analyses documents again.
#[derive(Debug)]
pub struct IndexedSection {
    /// The section.
    pub section: Section,
    /// The words of the heading path.
    pub heading_words: WordSet,
    /// The words of each passage, in the section's order.
    pub passages: Vec<IndexedPassage>,
    /// How long the heading is, and the whole section with it, as the index measures it.
    pub(super) heading_tokens: usize,
    pub(super) text_tokens: usize,
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

impl Document {
    /// Cuts the text of a file, unless nobody can tell for whom it is.
    pub(super) fn read(file: String, kind: Kind, text: String, analyzer: &Analyzer) -> Result<Self, SkipReason> {
        let digest = Sha256::digest(&text).into();
        let (front_matter, text) = match kind {
            Kind::Code(_) => (FrontMatter::default(), text),
            Kind::Markdown | Kind::Plain => front_matter::read(text).map_err(SkipReason::FrontMatter)?,
        };
        let front_matter = Arc::new(front_matter);
        let sections = match kind {
            Kind::Markdown => markdown::sections(&file, &text, &front_matter),
            Kind::Plain => plain::sections(&file, &text, &front_matter),
            Kind::Code(language) => code::sections(&file, &text, language),
        };
        let sections = sections.into_iter().map(|section| IndexedSection::new(section, analyzer)).collect();
        Ok(Self { file, front_matter, sections, vectors: OnceLock::new(), digest })
    }

    /// Whether it was read from this very text.
    pub(super) fn is_of(&self, text: &str) -> bool {
        self.digest == <[u8; 32]>::from(Sha256::digest(text))
    }
}

impl IndexedSection {
    fn new(section: Section, analyzer: &Analyzer) -> Self {
        let (heading_words, heading_tokens) = analyzer.counted_words(&section.heading);
        let mut text_tokens = heading_tokens;
        let passages = section.passages().iter().map(|passage| {
            let (words, tokens) = analyzer.counted_words(section.quote(passage));
            text_tokens = text_tokens.saturating_add(tokens);
            IndexedPassage {
                words,
                introduction_words: analyzer.words(section.introduction(passage)),
                has_number: section.quote(passage).contains(|character: char| character.is_ascii_digit()),
                passage: passage.clone(),
            }
        });
        let passages = passages.collect();
        Self { heading_words, passages, heading_tokens, text_tokens, section }
    }
}
