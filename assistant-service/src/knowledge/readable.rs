//! What one reader may read, and what can be found there.
//!
//! Every question goes through a [`Readable`], and that holds the shelves of the reader's own scopes and no others. What a
//! word weighs, which depends on how rare it is, is counted over those shelves as well, and a mistyped word is taken for one of
//! theirs: a restricted document changes neither the order nor the score nor the choice of what others find, so that
//! nothing of it can be learnt by asking. Indexes for each distinct audience give that at the price of one search for each
//! readable shelf; an index for each set of scopes that readers may hold would be exponentially many.

use super::document::IndexedSection;
use super::embedding::{QuestionVector, Similarities};
use super::index::{Counts, WeightedWord};
use super::question::Question;
use super::ranking::{Ranked, Ranking};
use super::shelf::Shelf;
use super::words::{Analyzer, WordSet};

/// A question looks at so many places where its words stand, its rarest words first: one of hundreds of frequent words would
/// keep a processor busy for long, and is found by fewer of them as well.
const MOST_PLACES: u64 = 1_000_000;

/// The part of a [`Knowledge`](super::Knowledge) that one reader may know.
pub struct Readable<'a> {
    pub(super) shelves: Vec<&'a Shelf>,
    pub(super) analyzer: &'a Analyzer,
}

/// A section that may answer a question.
pub struct Found<'a> {
    /// The section.
    pub section: &'a IndexedSection,
    /// What BM25 says of it, 0 where it holds none of the words.
    pub bm25: f32,
    /// How similar it is to each of the question's vectors: its text as a whole, and each of its passages. Empty where there is
    /// no vector of either.
    pub similarities: Vec<Similarities>,
}

impl<'a> Readable<'a> {
    /// The words of any other text, for comparison with those of a question.
    #[must_use]
    pub fn words(&self, text: &str) -> WordSet {
        self.analyzer.words(text)
    }

    /// The sections that fit the question best by BM25, best first; of equals the one whose file comes first.
    pub fn search(&self, question: &Question, limit: usize) -> tantivy::Result<Vec<&'a IndexedSection>> {
        Ok(self.find(question, &[], limit)?.into_iter().map(|found| found.section).collect())
    }

    /// The sections that may answer the question: those that fit its words best, best first, and then half as many that are nearest
    /// to each of its vectors.
    pub fn find(
        &self,
        question: &Question,
        vectors: &[QuestionVector],
        limit: usize,
    ) -> tantivy::Result<Vec<Found<'a>>> {
        let words = self.weighted(question);
        let mut ranking = Ranking::of(limit);
        for shelf in &self.shelves {
            shelf.search(&words, &mut ranking)?;
        }
        let mut found: Vec<(f32, Ranked<'a>)> = ranking.into_best().map(|ranked| (ranked.score, ranked)).collect();
        for vector in vectors {
            let mut nearest = Ranking::of(limit.div_ceil(2));
            for shelf in &self.shelves {
                shelf.nearest(vector, &mut nearest);
            }
            for near in nearest.into_best() {
                if !found.iter().any(|(_, known)| known.is_same(&near)) {
                    found.push((0.0, near));
                }
            }
        }
        let found = found.into_iter().filter_map(|(bm25, ranked)| {
            let similarities = vectors.iter().filter_map(|vector| ranked.similarities(vector)).collect();
            Some(Found { section: ranked.section()?, bm25, similarities })
        });
        Ok(found.collect())
    }

    /// The question's words that stand anywhere, and those that stand for them, the rarest first.
    fn weighted(&self, question: &Question) -> Vec<WeightedWord> {
        let counts: Vec<&Counts> = self.shelves.iter().map(|shelf| shelf.counts()).collect();
        let forms = question.searched_forms();
        let mut words: Vec<WeightedWord> =
            forms.into_iter().filter_map(|(stem, strength)| WeightedWord::of(stem, strength, &counts)).collect();
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
