//! What one reader may read, and what can be found there.
//!
//! Every question goes through a [`Readable`], and that holds the shelves of the reader's own scopes and no others. What a
//! word weighs, which depends on how rare it is, is counted over those shelves as well: a restricted document changes
//! neither the order nor the score nor the choice of what others find, so that nothing of it can be learnt by asking. Indexes
//! for each distinct audience give that at the price of one search for each readable shelf; an index for each set of
//! scopes that readers may hold would be exponentially many.

use tantivy::Term;
use tantivy::query::Bm25StatisticsProvider;
use tantivy::schema::Field;

use super::document::IndexedSection;
use super::shelf::Shelf;
use super::words::{Analyzer, Question, WordSet};

/// The part of a [`Knowledge`](super::Knowledge) that one reader may know.
pub struct Readable<'a> {
    pub(super) shelves: Vec<&'a Shelf>,
    pub(super) analyzer: &'a Analyzer,
}

impl<'a> Readable<'a> {
    /// A question as its content words, each with its weight.
    #[must_use]
    pub fn question(&self, text: &str) -> Question {
        let holding = |stem: &str| self.shelves.iter().map(|shelf| shelf.index.sections_with(stem)).sum::<u64>();
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
        let mut found = Vec::new();
        for shelf in &self.shelves {
            let stems = question.words().iter().map(|word| word.stem.as_str());
            let best = shelf.index.search(stems, limit, self)?;
            found.extend(best.into_iter().filter_map(|(score, ordinal)| {
                let (place, section) = shelf.section(ordinal)?;
                Some((score, place, section))
            }));
        }
        found.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
        Ok(found.into_iter().take(limit).map(|(.., section)| section).collect())
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

/// The sums over the readable shelves. All shelves have the same fields.
impl Bm25StatisticsProvider for Readable<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        self.shelves.iter().map(|shelf| shelf.index.statistics().total_num_tokens(field)).sum()
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        self.shelves.iter().map(|shelf| shelf.index.statistics().total_num_docs()).sum()
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        self.shelves.iter().map(|shelf| shelf.index.statistics().doc_freq(term)).sum()
    }
}
