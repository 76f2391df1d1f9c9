//! The assistant that needs no model: it finds the sections that support the question best and quotes them.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::clauses::clauses;
use super::comments::{is_comment, without_mark};
use super::finding::Finding;
use super::judgement::{Judgement, contacts};
use super::links::AllowedHosts;
use super::proposal::proposals;
use super::recommendation;
use super::support::Support;
use super::{Answer, Asked, Assistant, CannotAnswer, Citation, MadeBy, Progress, Searched, Step};
use crate::knowledge::{CurrentKnowledge, Embeddings, Knowledge, QuestionVector, Scopes, sentences};
use crate::runbooks::RunbookCatalogue;

/// Answers by quoting documents.
#[derive(Clone)]
pub struct ExtractiveAssistant {
    knowledge: CurrentKnowledge,
    runbooks: Arc<dyn RunbookCatalogue>,
    links: AllowedHosts,
    embeddings: Option<Arc<Embeddings>>,
}

/// Where a section stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: String,
    /// The innermost heading.
    pub(crate) title: String,
    /// Its first and its last line, where it has no heading.
    pub(crate) lines: Option<[usize; 2]>,
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
        Self { knowledge, runbooks, embeddings: None, links: AllowedHosts::default() }
    }

    /// The same, with hosts that its answers may link to.
    #[must_use]
    pub(crate) fn linking_to(self, links: AllowedHosts) -> Self {
        Self { links, ..self }
    }

    /// The same, that finds by meaning as well.
    #[must_use]
    pub fn with_embeddings(self, embeddings: Option<Arc<Embeddings>>) -> Self {
        Self { embeddings, ..self }
    }
}

impl Assistant for ExtractiveAssistant {
    fn answer(&self, asked: Asked, progress: Progress) -> BoxFuture<'_, Result<Answer, CannotAnswer>> {
        let assistant = self.clone();
        async move {
            let vectors = assistant.vectors(&asked.question).await;
            let query = asked.question.clone();
            // Searching a large folder takes the thread for a while; other requests go on meanwhile.
            let quoted = assistant.clone();
            let quoting = move || quoted.quote_by(&asked.question, &asked.asker.scopes, &vectors);
            let (answer, sections) =
                spawn_blocking(quoting).await.map_err(|error| CannotAnswer::Internal(error.into()))?;
            progress.tell(Step::Searched { query, sections }).await;
            // A document is somebody's text as well: what its quotes link to is held to the same hosts.
            Ok(answer.linking_to(&assistant.links))
        }
        .boxed()
    }
}

impl ExtractiveAssistant {
    /// Answers at once, in this thread, and by words alone.
    #[must_use]
    pub fn quote(&self, question: &str, scopes: &Scopes) -> Answer {
        self.quote_by(question, scopes, &[]).0
    }

    /// The vectors of a question and its clauses; none where nothing makes any.
    pub(crate) async fn vectors(&self, question: &str) -> Vec<QuestionVector> {
        let Some(embeddings) = &self.embeddings else { return Vec::new() };
        let texts: Vec<_> = [question.to_owned()].into_iter().chain(clauses(question)).collect();
        embeddings.of_question(&texts).await
    }

    /// The places that are found for a question, best first.
    pub(crate) fn places(&self, question: &str, scopes: &Scopes, vectors: &[QuestionVector]) -> Vec<Place> {
        let knowledge = Arc::clone(&self.knowledge.borrow());
        let readable = knowledge.for_reader(scopes);
        let finding = Finding::of(question, &clauses(question), vectors, &readable);
        let place = |support: &&Support<'_>| {
            let section = &support.section.section;
            let (file, title) = (section.file.clone(), section.title().to_owned());
            Place { file, title, lines: section.lines_of(section.text()) }
        };
        finding.sections().iter().map(place).collect()
    }

    /// An answer, and how many sections were found.
    pub(super) fn quote_by(&self, question: &str, scopes: &Scopes, vectors: &[QuestionVector]) -> (Answer, usize) {
        let knowledge = Arc::clone(&self.knowledge.borrow());
        let readable = knowledge.for_reader(scopes);
        let finding = Finding::of(question, &clauses(question), vectors, &readable);
        let judgement = Judgement::of(&finding);
        let (parts, citations): (Vec<_>, Vec<_>) = judgement.cited.iter().flat_map(|support| quotes(support)).unzip();
        let answer = Answer {
            known: !citations.is_empty(),
            confidence: judgement.confidence,
            short: judgement.cited.first().and_then(|support| short(support)),
            answer: (!parts.is_empty()).then(|| parts.join("\n\n")),
            citations,
            recommendation: recommendation::quoted(&judgement.cited, &finding.question),
            events: Vec::new(),
            proposals: proposals(question, &finding.question, &readable, &*self.runbooks),
            whom_to_ask: contacts(&finding, judgement.confidence),
            searched: Searched {
                documents: readable.document_count(),
                sections: readable.section_count(),
                queries: vec![question.to_owned()],
            },
            made_by: MadeBy::Documents { instead_of_model: None },
            removed: Vec::new(),
        };
        (answer, finding.supports.len())
    }
}

/// The first sentence of what is quoted; of code, the first of its comment, or its first line.
fn short(support: &Support<'_>) -> Option<String> {
    let section = &support.section.section;
    let quote = section.quote(&support.passages.first()?.0.passage);
    let is_code = section.lines_of(quote).is_some();
    let comment = quote.lines().take_while(|line| is_comment(line)).map(without_mark).collect::<Vec<_>>().join(" ");
    let text = match (is_code, comment.trim().is_empty()) {
        (false, _) => quote.split_whitespace().collect::<Vec<_>>().join(" "),
        (true, false) => comment.trim().to_owned(),
        (true, true) => quote.lines().find(|line| !line.trim().is_empty())?.trim().to_owned(),
    };
    let first = sentences(&text, &(0..text.len())).into_iter().next()?;
    text.get(first).map(str::to_owned)
}

/// Each passage as it is told, and as it is cited.
fn quotes(support: &Support<'_>) -> Vec<(String, Citation)> {
    let section = &support.section.section;
    let quoted = support.passages.iter().filter_map(|(indexed, share)| {
        let quote = section.quote(&indexed.passage);
        let told = match (indexed.passage.is_preformatted(), section.lines_of(quote).is_some()) {
            (true, true) => fenced(quote),
            (true, false) => quote.to_owned(),
            (false, _) => quote.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        Some((told, Citation::of(section, quote, *share)?))
    });
    quoted.collect()
}

/// Code as a block of code: taken for prose, its names would be marked as what looks like an address, and its lines would run
/// together.
fn fenced(code: &str) -> String {
    let ticks = code.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(ticks.saturating_add(1).max(3));
    format!("{fence}\n{code}\n{fence}")
}
