//! What BM25 counts of the sections of one shelf.
//!
//! An index counts too, but goes on counting what was taken out of it until its parts are merged: weights would depend on what
//! documents used to say, and on when.

use std::collections::HashMap;

use super::super::document::{Document, IndexedSection};
use super::super::words::{Word, WordSet};

#[derive(Clone, Default)]
pub(in crate::knowledge) struct Counts {
    holding: HashMap<Word, Holding>,
    sections: u64,
    heading_tokens: u64,
    text_tokens: u64,
}

/// How many sections hold a word.
#[derive(Clone, Copy, Default, PartialEq)]
struct Holding {
    in_headings: u32,
    in_text: u32,
}

/// What a document does to the counts.
#[derive(Clone, Copy)]
enum Change {
    Comes,
    Goes,
}

impl Change {
    fn apply(self, count: &mut u64, by: usize) {
        let by = u64::try_from(by).unwrap_or(u64::MAX);
        *count = match self {
            Self::Comes => count.saturating_add(by),
            Self::Goes => count.saturating_sub(by),
        };
    }

    fn step(self, count: &mut u32) {
        *count = match self {
            Self::Comes => count.saturating_add(1),
            Self::Goes => count.saturating_sub(1),
        };
    }
}

impl Counts {
    pub(super) fn add(&mut self, document: &Document) {
        self.change(document, Change::Comes);
    }

    pub(super) fn take_out(&mut self, document: &Document) {
        self.change(document, Change::Goes);
    }

    /// All sections.
    pub(in crate::knowledge) fn sections(&self) -> u64 {
        self.sections
    }

    /// The length of all headings.
    pub(super) fn heading_tokens(&self) -> u64 {
        self.heading_tokens
    }

    /// The length of all sections with their headings.
    pub(super) fn text_tokens(&self) -> u64 {
        self.text_tokens
    }

    /// The sections whose headings hold a word.
    pub(super) fn in_headings(&self, word: Word) -> u64 {
        self.holding.get(&word).map_or(0, |holding| holding.in_headings.into())
    }

    /// The sections that hold a word, be it in their headings.
    pub(in crate::knowledge) fn in_text(&self, word: Word) -> u64 {
        self.holding.get(&word).map_or(0, |holding| holding.in_text.into())
    }

    fn change(&mut self, document: &Document, change: Change) {
        for section in &document.sections {
            change.apply(&mut self.sections, 1);
            change.apply(&mut self.heading_tokens, section.heading_tokens);
            change.apply(&mut self.text_tokens, section.text_tokens);
            for word in section.heading_words.iter() {
                self.step(word, change, |holding| &mut holding.in_headings);
            }
            for word in words(section).iter() {
                self.step(word, change, |holding| &mut holding.in_text);
            }
        }
    }

    fn step(&mut self, word: Word, change: Change, count: fn(&mut Holding) -> &mut u32) {
        let holding = self.holding.entry(word).or_default();
        change.step(count(holding));
        // Words that stand nowhere any more take no memory.
        if *holding == Holding::default() {
            self.holding.remove(&word);
        }
    }
}

/// The words of a section with its headings, each once.
fn words(section: &IndexedSection) -> WordSet {
    let passages = section.passages.iter().flat_map(|passage| passage.words.iter());
    section.heading_words.iter().chain(passages).collect()
}
