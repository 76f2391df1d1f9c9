//! The best of what was found, in their order.

use super::document::IndexedSection;

/// Sections by score; of equals the one whose file comes first, and in one file the first.
pub(super) struct Ranking<'a> {
    limit: usize,
    best: Vec<Ranked<'a>>,
}

struct Ranked<'a> {
    score: f32,
    place: (&'a str, usize),
    section: &'a IndexedSection,
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

    pub(super) fn offer(&mut self, score: f32, place: (&'a str, usize), section: &'a IndexedSection) {
        let is_before =
            |one: &Ranked<'_>| one.score.total_cmp(&score).reverse().then_with(|| one.place.cmp(&place)).is_lt();
        let at = self.best.partition_point(is_before);
        self.best.insert(at, Ranked { score, place, section });
        self.best.truncate(self.limit);
    }

    pub(super) fn into_sections(self) -> Vec<&'a IndexedSection> {
        self.best.into_iter().map(|ranked| ranked.section).collect()
    }
}
