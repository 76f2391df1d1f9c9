//! Puts documents on shelves, and takes those off that are gone.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::audience::Audience;
use super::document::Document;
use super::index::GrowingIndex;
use super::shelf::Shelf;
use super::spelling::Spelling;
use super::words::Analyzer;

/// The shelves as they were left, each with what it takes to change it.
#[derive(Default)]
pub(super) struct Shelving(BTreeMap<Audience, Growing>);

struct Growing {
    index: GrowingIndex,
    spelling: Spelling,
    slots: Vec<Option<Arc<Document>>>,
    shelf: Option<Arc<Shelf>>,
}

impl Shelving {
    /// The shelves for these documents, which come by their names. One of which nothing has changed is the same as before.
    pub(super) fn shelve(
        &mut self,
        documents: &[Arc<Document>],
        analyzer: &Analyzer,
    ) -> tantivy::Result<Vec<Arc<Shelf>>> {
        let mut by_audience: BTreeMap<&Audience, Vec<Arc<Document>>> = BTreeMap::new();
        for document in documents {
            by_audience.entry(&document.front_matter.audience).or_default().push(Arc::clone(document));
        }
        self.0.retain(|audience, _| by_audience.contains_key(audience));
        let mut shelves = Vec::with_capacity(by_audience.len());
        for (audience, documents) in by_audience {
            let mut growing = self.0.remove(audience).unwrap_or_else(|| Growing::new(analyzer));
            // One that fails in the middle is not put back: it would be left half changed, and is made anew next time.
            shelves.push(growing.hold(audience, documents)?);
            self.0.insert(audience.clone(), growing);
        }
        Ok(shelves)
    }
}

impl Growing {
    fn new(analyzer: &Analyzer) -> Self {
        Self { index: GrowingIndex::new(analyzer), spelling: Spelling::default(), slots: Vec::new(), shelf: None }
    }

    fn hold(&mut self, audience: &Audience, documents: Vec<Arc<Document>>) -> tantivy::Result<Arc<Shelf>> {
        let wanted: HashSet<*const Document> = documents.iter().map(Arc::as_ptr).collect();
        let held: HashSet<*const Document> = self.slots.iter().flatten().map(Arc::as_ptr).collect();
        let mut gone = Vec::new();
        for (slot, held) in self.slots.iter_mut().enumerate() {
            if let Some(document) = held.take_if(|document| !wanted.contains(&Arc::as_ptr(document))) {
                gone.push((slot, document));
            }
        }
        let mut come = Vec::new();
        let mut from = 0_usize;
        for document in documents.iter().filter(|document| !held.contains(&Arc::as_ptr(document))) {
            let slot = self.put(document, &mut from);
            come.push((slot, Arc::clone(document)));
        }
        match &self.shelf {
            Some(shelf) if gone.is_empty() && come.is_empty() => Ok(Arc::clone(shelf)),
            _ => {
                let index = self.index.change(&gone, &come)?;
                self.spelling.change(&gone, &come);
                let (audience, slots, spelling) = (audience.clone(), self.slots.clone(), self.spelling.clone());
                let shelf = Shelf { audience, documents, slots, index, spelling };
                Ok(Arc::clone(self.shelf.insert(Arc::new(shelf))))
            }
        }
    }

    /// Puts a document into the first free slot, of which there is none before `from`.
    fn put(&mut self, document: &Arc<Document>, from: &mut usize) -> usize {
        while self.slots.get(*from).is_some_and(Option::is_some) {
            *from = from.saturating_add(1);
        }
        match self.slots.get_mut(*from) {
            Some(free) => *free = Some(Arc::clone(document)),
            None => self.slots.push(Some(Arc::clone(document))),
        }
        *from
    }
}
