//! What is found for a question: sections in their order, for the question as a whole and for each thing that it asks.

use super::support::Support;
use crate::knowledge::{Question, QuestionVector, Readable};

/// So many sections by words, and so many by each vector, are looked at closely.
const CANDIDATES: usize = 24;
/// What the rest of a question weighs for one of the things that it asks.
const CONTEXT: f64 = 0.25;
/// A section that is found for one of them alone stands behind one that is found as well for all.
const PART: f64 = 1.0;

/// What was found.
pub(super) struct Finding<'a> {
    pub(super) question: Question,
    /// For the whole question, best first.
    pub(super) supports: Vec<Support<'a>>,
    /// For each thing that it asks, where there are several.
    pub(super) parts: Vec<(Question, Vec<Support<'a>>)>,
    /// Whether it was searched by meaning as well.
    pub(super) has_vectors: bool,
}

impl<'a> Finding<'a> {
    /// Searches for a question and its clauses; the vectors are the question's and theirs, or there are none.
    pub(super) fn of(text: &str, clauses: &[String], vectors: &[QuestionVector], readable: &Readable<'a>) -> Self {
        let question = readable.question(text);
        let found = readable.find(&question, vectors, CANDIDATES).unwrap_or_else(|error| {
            tracing::error!(%error, "the documents cannot be searched");
            Vec::new()
        });
        let best_bm25 = found.iter().map(|found| found.bm25).fold(0.0, f32::max);
        let ranked = |question: &Question, vector: usize| {
            let mut supports: Vec<_> =
                found.iter().map(|found| Support::of(found, question, vector, best_bm25)).collect();
            // Of equals BM25 puts the better one first.
            supports.sort_by(|one, other| other.rank.total_cmp(&one.rank));
            supports
        };
        let supports = ranked(&question, 0);
        let clauses = (1_usize..).zip(clauses).map(|(vector, clause)| {
            let part = question.with_emphasis(&readable.question(clause), CONTEXT);
            let mut supports = ranked(&part, vector);
            supports.sort_by(|one, other| other.rank_apart.total_cmp(&one.rank_apart));
            (part, supports)
        });
        let parts = clauses.collect();
        // A question is found by meaning once what may answer it has vectors; until then it is judged by its words.
        let has_vectors = !vectors.is_empty() && found.iter().all(|found| !found.similarities.is_empty());
        Self { supports, parts, has_vectors, question }
    }

    /// Every section that was found, each once: in the order of the best that it does for the question or a part of it.
    pub(super) fn sections(&self) -> Vec<&Support<'a>> {
        let mut all: Vec<(f64, &Support<'a>)> = self.supports.iter().map(|support| (support.rank, support)).collect();
        all.extend(self.parts.iter().flat_map(|(_, supports)| supports).map(|support| (support.rank - PART, support)));
        all.sort_by(|one, other| other.0.total_cmp(&one.0));
        let mut sections: Vec<&Support<'a>> = Vec::new();
        for (_, support) in all {
            if !sections.iter().any(|known| std::ptr::eq(known.section, support.section)) {
                sections.push(support);
            }
        }
        sections
    }
}
