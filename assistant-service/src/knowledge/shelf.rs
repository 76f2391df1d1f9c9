//! Documents with one and the same audience, with an index of their own.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::audience::Audience;
use super::document::{Document, IndexedSection};
use super::index::SectionIndex;

/// About so many documents stand on a shelf: a document that changes has those around it indexed again, and each shelf is
/// one more index to search.
const DOCUMENTS_PER_SHELF: usize = 128;

/// Documents that are read by the same people or not at all; where there are many, some of them.
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
    let mut shelves = Vec::new();
    for (audience, documents) in by_audience {
        for documents in parts(documents) {
            shelves.push(match before.iter().find(|shelf| shelf.holds(audience, &documents)) {
                Some(shelf) => Arc::clone(shelf),
                None => Arc::new(Shelf::new(audience.clone(), documents)?),
            });
        }
    }
    Ok(shelves)
}

/// Parts them by their names, so that a document that comes or goes leaves the other parts as they are.
fn parts(documents: Vec<Arc<Document>>) -> impl Iterator<Item = Vec<Arc<Document>>> {
    // A power of two changes seldom.
    let count = documents.len().div_ceil(DOCUMENTS_PER_SHELF).next_power_of_two();
    let mut parts: BTreeMap<u64, Vec<Arc<Document>>> = BTreeMap::new();
    for document in documents {
        let mut hasher = DefaultHasher::new();
        document.file.hash(&mut hasher);
        let part = hasher.finish().checked_rem(u64::try_from(count).unwrap_or(1)).unwrap_or_default();
        parts.entry(part).or_default().push(document);
    }
    parts.into_values()
}
