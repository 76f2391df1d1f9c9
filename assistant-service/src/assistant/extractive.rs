//! The assistant that needs no model: it finds the section that supports the question best and quotes it.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::links::AllowedHosts;
use super::proposal::proposals;
use super::support::Support;
use super::{Answer, Asked, Assistant, CannotAnswer, Citation, Confidence, MadeBy, Progress, Searched};
use crate::knowledge::{CurrentKnowledge, Knowledge, Question, Readable, Scopes, sentences};
use crate::runbooks::RunbookCatalogue;

/// Below this share of the question's weight the documents are silent: tried on the table of questions in the tests.
const LEAST_SHARE: f64 = 0.8;
/// BM25 puts the right section among the first few; the cover of the question's words decides between those.
const CANDIDATES: usize = 12;

/// Answers by quoting documents.
#[derive(Clone)]
pub struct ExtractiveAssistant {
    knowledge: CurrentKnowledge,
    runbooks: Arc<dyn RunbookCatalogue>,
    links: AllowedHosts,
}

impl ExtractiveAssistant {
    /// An assistant that knows these documents and these runbooks.
    #[must_use]
    pub fn new(knowledge: Arc<Knowledge>, runbooks: Arc<dyn RunbookCatalogue>) -> Self {
        Self::following(watch::channel(knowledge).1, runbooks)
    }

    /// An assistant that answers each question from the documents of its moment.
    #[must_use]
    pub fn following(knowledge: CurrentKnowledge, runbooks: Arc<dyn RunbookCatalogue>) -> Self {
        Self { knowledge, runbooks, links: AllowedHosts::default() }
    }

    /// The same, with hosts that its answers may link to.
    #[must_use]
    pub(crate) fn linking_to(self, links: AllowedHosts) -> Self {
        Self { links, ..self }
    }
}

impl Assistant for ExtractiveAssistant {
    fn answer(&self, asked: Asked, _: Progress) -> BoxFuture<'_, Result<Answer, CannotAnswer>> {
        let assistant = self.clone();
        // Searching a large folder takes the thread for a while; other requests go on meanwhile.
        let answer = spawn_blocking(move || {
            // A document is somebody's text as well: what its quotes link to is held to the same hosts.
            assistant.quote(&asked.question, &asked.asker.scopes).linking_to(&assistant.links)
        });
        answer.map_err(|error| CannotAnswer::Internal(error.into())).boxed()
    }
}

impl ExtractiveAssistant {
    /// The same, at once, in this thread.
    #[must_use]
    pub fn quote(&self, question: &str, scopes: &Scopes) -> Answer {
        let knowledge = Arc::clone(&self.knowledge.borrow());
        let readable = knowledge.for_reader(scopes);
        let asked = readable.question(question);
        // People tell what they see before they ask. Where the documents do not speak of all of it, the question stands
        // for itself.
        let support = supported(&asked, &readable).or_else(|| {
            let alone = what_is_asked(question)?;
            supported(&readable.question(&alone), &readable)
        });
        let (parts, citations) = support.as_ref().map(quotes).unwrap_or_default();
        Answer {
            known: !citations.is_empty(),
            confidence: if citations.is_empty() { Confidence::None } else { Confidence::Medium },
            short: parts.first().cloned(),
            answer: (!parts.is_empty()).then(|| parts.join("\n\n")),
            citations,
            events: Vec::new(),
            proposals: proposals(question, &asked, &readable, &*self.runbooks),
            whom_to_ask: Vec::new(),
            searched: Searched {
                documents: readable.document_count(),
                sections: readable.section_count(),
                queries: vec![question.to_owned()],
            },
            made_by: MadeBy::Documents { instead_of_model: None },
            removed: Vec::new(),
        }
    }
}

fn supported<'a>(question: &Question, readable: &Readable<'a>) -> Option<Support<'a>> {
    best_support(question, readable).filter(|support| support.share >= LEAST_SHARE)
}

fn best_support<'a>(question: &Question, readable: &Readable<'a>) -> Option<Support<'a>> {
    let candidates = readable.search(question, CANDIDATES).unwrap_or_else(|error| {
        tracing::error!(%error, "the documents cannot be searched");
        Vec::new()
    });
    let supports = candidates.into_iter().map(|section| Support::of(section, &readable.title(section), question));
    // Of equals BM25 puts the better one first.
    supports.reduce(|best, other| if other.rank > best.rank { other } else { best })
}

/// The sentences that ask, all of them; nothing when no sentence does, or all do.
fn what_is_asked(question: &str) -> Option<String> {
    let all = sentences(question, &(0..question.len()));
    let asking: Vec<_> =
        all.iter().filter_map(|range| question.get(range.clone())).filter(|text| text.ends_with('?')).collect();
    (!asking.is_empty() && asking.len() < all.len()).then(|| asking.join(" "))
}

fn quotes(support: &Support<'_>) -> (Vec<String>, Vec<Citation>) {
    let section = &support.section.section;
    let mut parts = Vec::new();
    let mut citations = Vec::new();
    for (indexed, share) in &support.passages {
        let quote = section.quote(&indexed.passage);
        if let Some(citation) = Citation::of(section, quote, *share) {
            citations.push(citation);
            parts.push(if indexed.passage.is_preformatted() {
                quote.to_owned()
            } else {
                quote.split_whitespace().collect::<Vec<_>>().join(" ")
            });
        }
    }
    (parts, citations)
}
