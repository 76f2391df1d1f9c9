//! The documents of one and the same audience, with an index of their own, as they were at one moment.

use std::io;
use std::sync::Arc;

use super::audience::Audience;
use super::document::{Document, IndexedSection};
use super::index::{Counts, Place, SectionIndex, WeightedWord};
use super::ranking::Ranking;

/// Documents that are read by the same people or not at all.
pub(super) struct Shelf {
    pub(super) audience: Audience,
    /// By their names.
    pub(super) documents: Vec<Arc<Document>>,
    /// The documents where the index knows them.
    pub(super) slots: Vec<Option<Arc<Document>>>,
    pub(super) index: SectionIndex,
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
            if let Some((name, section)) = self.section(place) {
                ranking.offer(score, name, section);
            }
            ranking.least()
        })
    }

    /// A section, with its place among all sections of all shelves.
    fn section(&self, place: Place) -> Option<((&str, usize), &IndexedSection)> {
        let document = self.slots.get(place.slot)?.as_ref()?;
        Some(((&document.file, place.number), document.sections.get(place.number)?))
    }
}
