//! All documents with one and the same audience, with an index of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::audience::Audience;
use super::document::{Document, IndexedSection};
use super::index::SectionIndex;

/// Documents that are read by the same people or not at all.
pub(super) struct Shelf {
    pub(super) audience: Audience,
    pub(super) documents: Vec<Arc<Document>>,
    pub(super) index: SectionIndex,
    /// The document of each of the index's ordinals, and the section's number in it.
    places: Vec<(usize, usize)>,
}

impl Shelf {
    fn new(audience: Audience, documents: Vec<Arc<Document>>) -> tantivy::Result<Self> {
        let sections = documents.iter().flat_map(|document| &document.sections).map(|indexed| &indexed.section);
        let index = SectionIndex::new(sections)?;
        let places = documents.iter().enumerate();
        let places = places.flat_map(|(at, document)| (0..document.sections.len()).map(move |number| (at, number)));
        let places = places.collect();
        Ok(Self { audience, documents, index, places })
    }

    pub(super) fn section_count(&self) -> usize {
        self.places.len()
    }

    /// A section by the index's ordinal, with its place among all sections of all shelves.
    pub(super) fn section(&self, ordinal: usize) -> Option<((&str, usize), &IndexedSection)> {
        let (at, number) = *self.places.get(ordinal)?;
        let document = self.documents.get(at)?;
        Some(((&document.file, number), document.sections.get(number)?))
    }

    fn holds(&self, audience: &Audience, documents: &[Arc<Document>]) -> bool {
        let pairs = || self.documents.iter().zip(documents);
        self.audience == *audience
            && self.documents.len() == documents.len()
            && pairs().all(|(one, other)| Arc::ptr_eq(one, other))
    }
}

/// Puts documents on shelves. A shelf that would hold what one of `before` holds is that one.
pub(super) fn shelve(documents: &[Arc<Document>], before: &[Arc<Shelf>]) -> tantivy::Result<Vec<Arc<Shelf>>> {
    let mut by_audience: BTreeMap<&Audience, Vec<Arc<Document>>> = BTreeMap::new();
    for document in documents {
        by_audience.entry(&document.front_matter.audience).or_default().push(Arc::clone(document));
    }
    let shelves = by_audience.into_iter().map(|(audience, documents)| {
        match before.iter().find(|shelf| shelf.holds(audience, &documents)) {
            Some(shelf) => Ok(Arc::clone(shelf)),
            None => Shelf::new(audience.clone(), documents).map(Arc::new),
        }
    });
    shelves.collect()
}
