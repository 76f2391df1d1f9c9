//! The documents of one and the same audience, with an index of their own, as they were at one moment.

use std::io;
use std::sync::Arc;

use super::audience::Audience;
use super::document::Document;
use super::embedding::{QuestionVector, nearest};
use super::index::{Counts, Place, SectionIndex, WeightedWord};
use super::ranking::{Ranked, Ranking};
use super::spelling::Spelling;

/// Documents that are read by the same people or not at all.
pub(super) struct Shelf {
    pub(super) audience: Audience,
    /// By their names.
    pub(super) documents: Vec<Arc<Document>>,
    /// The documents where the index knows them.
    pub(super) slots: Vec<Option<Arc<Document>>>,
    pub(super) index: SectionIndex,
    pub(super) spelling: Spelling,
}

impl Shelf {
    pub(super) fn section_count(&self) -> usize {
        usize::try_from(self.counts().sections()).unwrap_or(usize::MAX)
    }

    pub(super) fn counts(&self) -> &Counts {
        self.index.counts()
    }

    /// Enters the sections that fit some words best.
    pub(super) fn search<'a>(&'a self, words: &[WeightedWord], ranking: &mut Ranking<'a>) -> io::Result<()> {
        let least = ranking.least();
        self.index.search(words, least, |score, place| {
            if let Some(ranked) = self.ranked(score, place) {
                ranking.offer(ranked);
            }
            ranking.least()
        })
    }

    /// Enters the sections that are nearest in meaning, of those documents that have vectors already.
    pub(super) fn nearest<'a>(&'a self, question: &QuestionVector, ranking: &mut Ranking<'a>) {
        for (score, document, number) in nearest(&self.documents, question, ranking.limit) {
            ranking.offer(Ranked { score, document, number });
        }
    }

    fn ranked(&self, score: f32, place: Place) -> Option<Ranked<'_>> {
        let document = self.slots.get(place.slot)?.as_ref()?;
        document.sections.get(place.number)?;
        Some(Ranked { score, document, number: place.number })
    }
}
