//! What one reader may read, and what can be found there.
//!
//! Every question goes through a [`Readable`], and that holds the shelves of the reader's own scopes and no others. What a
//! word weighs, which depends on how rare it is, is counted over those shelves as well: a restricted document changes
//! neither the order nor the score nor the choice of what others find, so that nothing of it can be learnt by asking. Indexes
//! for each distinct audience give that at the price of one search for each readable shelf; an index for each set of
//! scopes that readers may hold would be exponentially many.

use super::document::IndexedSection;
use super::index::{Counts, WeightedWord};
use super::ranking::Ranking;
use super::shelf::Shelf;
use super::words::{Analyzer, Question, Word, WordSet};

/// A question looks at so many places where its words stand, its rarest words first: one of hundreds of frequent words would
/// keep a processor busy for long, and is found by fewer of them as well.
const MOST_PLACES: u64 = 1_000_000;

/// The part of a [`Knowledge`](super::Knowledge) that one reader may know.
pub struct Readable<'a> {
    pub(super) shelves: Vec<&'a Shelf>,
    pub(super) analyzer: &'a Analyzer,
}

impl<'a> Readable<'a> {
    /// A question as its content words, each with its weight.
    #[must_use]
    pub fn question(&self, text: &str) -> Question {
        let holding = |stem: &str| {
            let word = Word::of(stem);
            self.shelves.iter().map(|shelf| shelf.counts().in_text(word)).sum::<u64>()
        };
        let all = self.section_count() as f64;
        let weight = |stem: &str| inverse_document_frequency(all, holding(stem) as f64);
        self.analyzer.question(text, |stem| holding(stem) > 0, weight)
    }

    /// The words of any other text, for comparison with those of a question.
    #[must_use]
    pub fn words(&self, text: &str) -> WordSet {
        self.analyzer.words(text)
    }

    /// The section's own heading, read as a question: many headings are one.
    #[must_use]
    pub fn title(&self, section: &IndexedSection) -> Question {
        self.question(section.section.title())
    }

    /// The sections that fit the question best by BM25, best first; of equals the one whose file comes first.
    pub fn search(&self, question: &Question, limit: usize) -> tantivy::Result<Vec<&'a IndexedSection>> {
        let words = self.weighted(question);
        let mut ranking = Ranking::of(limit);
        for shelf in &self.shelves {
            shelf.search(&words, &mut ranking)?;
        }
        Ok(ranking.into_sections())
    }

    /// The question's words that stand anywhere, the rarest first.
    fn weighted(&self, question: &Question) -> Vec<WeightedWord> {
        let counts: Vec<&Counts> = self.shelves.iter().map(|shelf| shelf.counts()).collect();
        let mut words: Vec<WeightedWord> =
            question.words().iter().filter_map(|word| WeightedWord::of(&word.stem, &counts)).collect();
        words.sort_by_key(|word| word.sections);
        words.truncate(rarest_within(MOST_PLACES, words.iter().map(|word| word.sections)));
        words
    }

    /// How many documents the reader may read.
    #[must_use]
    pub fn document_count(&self) -> usize {
        self.shelves.iter().map(|shelf| shelf.documents.len()).sum()
    }

    /// How many sections they hold.
    #[must_use]
    pub fn section_count(&self) -> usize {
        self.shelves.iter().map(|shelf| shelf.section_count()).sum()
    }
}

/// As in BM25: most for a word that no section holds.
fn inverse_document_frequency(all: f64, holding: f64) -> f64 {
    (1.0 + (all - holding + 0.5) / (holding + 0.5)).ln()
}

/// How many of some words, the rarest of which come first, stand in no more places together; one at least.
fn rarest_within(most: u64, places: impl Iterator<Item = u64>) -> usize {
    let mut sum = 0_u64;
    let within = places.take_while(|places| {
        sum = sum.saturating_add(*places);
        sum <= most
    });
    within.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_words_are_looked_for_and_always_one() {
        for (places, count) in
            [(vec![], 1), (vec![1, 2, 3], 3), (vec![1, 2, 4], 2), (vec![9, 9], 1), (vec![0, 0, 7], 2)]
        {
            assert_eq!(rarest_within(6, places.iter().copied()), count, "{places:?}");
        }
    }
}
