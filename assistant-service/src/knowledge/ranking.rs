//! The best of what was found, in their order.

use super::document::{Document, IndexedSection};
use super::embedding::{QuestionVector, Similarities};

/// Sections by score; of equals the one whose file comes first, and in one file the first.
pub(super) struct Ranking<'a> {
    pub(super) limit: usize,
    best: Vec<Ranked<'a>>,
}

/// A section by its document and its number there.
#[derive(Clone, Copy)]
pub(super) struct Ranked<'a> {
    pub(super) score: f32,
    pub(super) document: &'a Document,
    pub(super) number: usize,
}

impl<'a> Ranked<'a> {
    pub(super) fn section(&self) -> Option<&'a IndexedSection> {
        self.document.sections.get(self.number)
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.number == other.number && std::ptr::eq(self.document, other.document)
    }

    /// How similar it is to a question, where both have vectors.
    pub(super) fn similarities(&self, question: &QuestionVector) -> Option<Similarities> {
        self.document.vectors.get()?.similarities(question, self.number)
    }

    fn place(&self) -> (&'a str, usize) {
        (&self.document.file, self.number)
    }
}

impl<'a> Ranking<'a> {
    pub(super) fn of(limit: usize) -> Self {
        Self { limit, best: Vec::with_capacity(limit.saturating_add(1)) }
    }

    /// What has a lower score is not among the best.
    pub(super) fn least(&self) -> f32 {
        match self.best.last() {
            Some(last) if self.best.len() >= self.limit => last.score,
            _ => f32::MIN_POSITIVE,
        }
    }

    pub(super) fn offer(&mut self, offered: Ranked<'a>) {
        let is_before = |one: &Ranked<'_>| {
            one.score.total_cmp(&offered.score).reverse().then_with(|| one.place().cmp(&offered.place())).is_lt()
        };
        let at = self.best.partition_point(is_before);
        self.best.insert(at, offered);
        self.best.truncate(self.limit);
    }

    pub(super) fn into_best(self) -> impl Iterator<Item = Ranked<'a>> {
        self.best.into_iter()
    }
}
