//! Gives every document its vectors, in the background and in bounded batches. What was embedded once is not embedded again,
//! whatever document it stands in next.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::cache::Digest;
use super::vectors::{DocumentVectors, quantised};
use super::{CannotEmbed, Embeddings};
use crate::knowledge::document::{Document, IndexedSection};
use crate::knowledge::progress::Progress;
use crate::knowledge::{CurrentKnowledge, Knowledge};

/// Models read about so much of a text, and take no longer one.
const LONGEST_CHARACTERS: usize = 1600;
/// So many are embedded before the first of them is found by meaning.
const DOCUMENTS_AT_ONCE: usize = 64;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The digests of the texts of each of a document's sections.
type Rows = Vec<Vec<Digest>>;

impl Embeddings {
    /// Gives vectors to the knowledge of every moment, until nobody gives any more of it. A server that fails is asked again.
    pub async fn follow(self: Arc<Self>, mut knowledge: CurrentKnowledge) {
        let mut pause = FIRST_PAUSE;
        loop {
            let current = Arc::clone(&knowledge.borrow_and_update());
            match self.fill(&current, || knowledge.has_changed().unwrap_or(true)).await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    if knowledge.changed().await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, again_in_seconds = pause.as_secs(), "passages cannot be embedded");
                    sleep(pause).await;
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
            }
            if knowledge.has_changed().is_err() {
                return;
            }
        }
    }

    /// Gives vectors to every document that has none. It ends early, and well, where `is_outdated` says so.
    pub async fn fill(&self, knowledge: &Knowledge, is_outdated: impl Fn() -> bool) -> Result<(), CannotEmbed> {
        let documents = knowledge.shelves.iter().flat_map(|shelf| &shelf.documents);
        let unfilled: Vec<_> = documents.filter(|document| document.vectors.get().is_none()).cloned().collect();
        let mut progress = Progress::new("embedding documents", unfilled.len());
        for documents in unfilled.chunks(DOCUMENTS_AT_ONCE) {
            if is_outdated() {
                return Ok(());
            }
            self.fill_documents(documents.to_vec()).await?;
            documents.iter().for_each(|_| progress.step());
        }
        if !unfilled.is_empty() {
            tracing::info!(documents = unfilled.len(), "documents are embedded");
        }
        Ok(())
    }

    async fn fill_documents(&self, documents: Vec<Arc<Document>>) -> Result<(), CannotEmbed> {
        let reading = documents.clone();
        let of_document = |document: &Arc<Document>| document.sections.iter().map(texts).collect::<Vec<_>>();
        let texts = spawn_blocking(move || reading.iter().map(of_document).collect::<Vec<_>>()).await?;
        let rows: Vec<Rows> = texts
            .iter()
            .map(|document| document.iter().map(|texts| texts.iter().map(|text| self.digest(text)).collect()).collect())
            .collect();
        let digests = rows.iter().flatten().flatten().copied();
        let mut missing: Vec<(Digest, String)> = digests.zip(texts.into_iter().flatten().flatten()).collect();
        missing.retain(|(digest, _)| self.cached(digest).is_none());
        // Texts of one length side by side: models fill a batch up to its longest one.
        missing.sort_unstable_by_key(|(digest, text)| (text.len(), *digest));
        missing.dedup_by(|one, other| one.0 == other.0);
        for batch in missing.chunks(self.settings.batch_size) {
            let input = batch.iter().map(|(_, text)| format!("{}{text}", self.settings.passage_prefix)).collect();
            let vectors = self.client.embed(input).await?;
            let new = batch.iter().map(|(digest, _)| *digest).zip(vectors.iter().map(|vector| quantised(vector)));
            self.keep(new.collect());
        }
        for (document, rows) in documents.iter().zip(rows) {
            let vectors = rows.iter().map(|row| row.iter().map(|digest| self.cached(digest)).collect());
            let vectors: Option<Vec<Vec<Arc<[i8]>>>> = vectors.collect();
            let vectors = DocumentVectors::of(vectors.ok_or(CannotEmbed::Malformed)?);
            // They are of what it says, which does not change, and so the first ones stay.
            let _ = document.vectors.set(vectors);
        }
        Ok(())
    }

    fn cached(&self, digest: &Digest) -> Option<Arc<[i8]>> {
        self.cache.lock().ok()?.get(digest)
    }

    /// What cannot be written is still known until the end.
    fn keep(&self, new: Vec<(Digest, Vec<i8>)>) {
        let kept = self.cache.lock().map(|mut cache| cache.put(new));
        if let Ok(Err(error)) = kept {
            tracing::warn!(%error, "vectors cannot be written to their file");
        }
    }
}

/// What is embedded of a section: all of it, and each passage where there are several. The headings say what it is about.
fn texts(indexed: &IndexedSection) -> Vec<String> {
    let section = &indexed.section;
    let below = |text: &str| {
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{}: {words}", section.heading).chars().take(LONGEST_CHARACTERS).collect()
    };
    let mut texts = vec![below(section.text())];
    if indexed.passages.len() > 1 {
        let passage = |indexed: &super::super::IndexedPassage| {
            let passage = &indexed.passage;
            below(&format!("{} {}", section.introduction(passage), section.quote(passage)))
        };
        texts.extend(indexed.passages.iter().map(passage));
    }
    texts
}

#[cfg(test)]
impl Knowledge {
    /// Gives every document the vectors that a function makes, without a server.
    pub(crate) fn embed_by(&self, embed: fn(&str) -> Vec<f32>) {
        for document in self.shelves.iter().flat_map(|shelf| &shelf.documents) {
            let vectors = |indexed| texts(indexed).iter().map(|text| quantised(&embed(text)).into()).collect();
            document.vectors.set(DocumentVectors::of(document.sections.iter().map(vectors).collect())).unwrap();
        }
    }
}
