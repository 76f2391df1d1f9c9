//! The assistant that has a model write its answers, and believes nothing of what it writes.
//!
//! The walk: sections are looked up by the asker's scopes ([`tools`](super::tools)); the prompt holds them as marked data
//! ([`prompt`]); the model may call tools a few times ([`conversation`]); its words pass the filter and its marks are held
//! against what was shown ([`hearing`]); what is left becomes the answer. Whatever fails ends in quotes instead.

mod conversation;
mod hearing;
mod marker;
mod prompt;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};

use super::defences::Defences;
use super::grounding::{Shown, Support, confidence, first_sentence};
use super::links::{AllowedHosts, audit};
use super::redaction::Redactor;
use super::settings::Settings;
use super::tools::{Findings, Toolbox, find};
use super::{
    Answer, Asked, Assistant, CannotAnswer, Confidence, ExtractiveAssistant, MadeBy, Progress, Searched, Step,
};
use crate::backbone::Backbone;
use crate::knowledge::CurrentKnowledge;
use crate::model::{Model, ModelError};
use crate::runbooks::RunbookCatalogue;
use conversation::Conversation;
use hearing::{Heard, Unheard};

/// However slow a model, tools and whoever reads along are, an answer comes within this time.
const LONGEST: Duration = Duration::from_secs(110);

/// What a modelled assistant stands on.
pub(crate) struct Parts {
    pub(crate) knowledge: CurrentKnowledge,
    pub(crate) runbooks: Arc<dyn RunbookCatalogue>,
    pub(crate) backbone: Arc<dyn Backbone>,
    pub(crate) model: Arc<dyn Model>,
    pub(crate) extractive: ExtractiveAssistant,
}

/// Answers by a model.
pub(crate) struct ModelledAssistant {
    knowledge: CurrentKnowledge,
    model: Arc<dyn Model>,
    extractive: ExtractiveAssistant,
    toolbox: Toolbox,
}

impl ModelledAssistant {
    pub(crate) fn new(parts: Parts, settings: &Settings) -> Self {
        let Parts { knowledge, runbooks, backbone, model, extractive } = parts;
        let (hosts, redactor, scopes) =
            (settings.links().clone(), settings.redaction().clone(), settings.tools.clone());
        let toolbox = Toolbox { backbone, runbooks, scopes, redactor, hosts, defences: Defences::default() };
        Self { knowledge, model, extractive, toolbox }
    }

    #[cfg(test)]
    pub(super) fn with_defences(mut self, defences: Defences) -> Self {
        self.toolbox.redactor = self.toolbox.redactor.with_defences(defences.clone());
        self.toolbox.defences = defences;
        self
    }

    fn hosts(&self) -> &AllowedHosts {
        &self.toolbox.hosts
    }

    fn redactor(&self) -> &Redactor {
        &self.toolbox.redactor
    }

    async fn try_answer(&self, asked: &Asked, progress: &Progress) -> Result<Answer, Unheard> {
        let knowledge = Arc::clone(&self.knowledge.borrow());
        let scopes = self.toolbox.defences.reading_as(&asked.asker.scopes).clone();
        let searched = {
            let readable = knowledge.for_reader(&scopes);
            (readable.document_count(), readable.section_count())
        };
        let shown = Shown::for_question(Arc::clone(&knowledge), scopes, &asked.question);
        let mut findings = Findings::nothing_yet(knowledge, shown);
        // Nothing found is no failure: the model may look elsewhere.
        let evidence = find(&self.toolbox, asked.question.clone(), &asked.asker, &mut findings).await;
        let sections = findings.shown.section_count();
        progress.tell(Step::Searched { query: asked.question.clone(), sections }).await;
        let evidence = evidence.unwrap_or_else(|refusal| self.redactor().text(&refusal.to_string()));
        let heard = Conversation::about(self, asked, &evidence).hold(&mut findings, progress).await?;
        let (documents, sections) = searched;
        Ok(self.answer_of(heard, findings, Searched { documents, sections, queries: Vec::new() }))
    }

    fn answer_of(&self, heard: Heard, findings: Findings, searched: Searched) -> Answer {
        let Heard { text, mut removed, grounded, model } = heard;
        removed.extend(findings.removed);
        let text = text.trim().to_owned();
        let confidence = confidence(Support::of(&text), !removed.is_empty());
        let is_clean =
            !self.toolbox.defences.has(super::defences::Defence::Links) || audit::is_clean(&text, self.hosts());
        if !is_clean {
            tracing::error!(
                "an answer passed the filter with a link in it that the second reader does not let through"
            );
        }
        let is_unsupported = grounded.citations.is_empty() && grounded.events.is_empty();
        let known = is_clean && !is_unsupported && confidence > Confidence::None;
        let mut grounded = if known { grounded } else { Default::default() };
        let recommended = findings.recommended.filter(|_| known);
        let recommendation = recommended.map(|recommended| recommended.cited_among(&mut grounded.citations));
        Answer {
            known,
            confidence: if known { confidence } else { Confidence::None },
            short: first_sentence(&text).filter(|_| known),
            answer: Some(text).filter(|_| known),
            citations: grounded.citations,
            recommendation,
            events: grounded.events,
            proposals: findings.proposals,
            whom_to_ask: Vec::new(),
            searched: Searched { queries: findings.queries, ..searched },
            made_by: MadeBy::Model { model },
            removed,
        }
    }

    async fn quotes(&self, asked: Asked, why: &'static str) -> Result<Answer, CannotAnswer> {
        let answer = self.extractive.answer(asked, Progress::default()).await?;
        let made_by = MadeBy::Documents { instead_of_model: Some(why.to_owned()) };
        Ok(Answer { made_by, ..answer })
    }

    /// The people whom the documents name, where the answer does not do.
    async fn whom_to_ask(&self, asked: Asked) -> Vec<super::Contact> {
        self.extractive.answer(asked, Progress::default()).await.map(|answer| answer.whom_to_ask).unwrap_or_default()
    }
}

impl Assistant for ModelledAssistant {
    fn answer(&self, asked: Asked, progress: Progress) -> BoxFuture<'_, Result<Answer, CannotAnswer>> {
        async move {
            let tried = tokio::time::timeout(LONGEST, self.try_answer(&asked, &progress)).await;
            let unheard = match tried.unwrap_or(Err(Unheard::Failed(ModelError::TimedOut))) {
                Ok(answer) if answer.known && answer.confidence > Confidence::Low => return Ok(answer),
                Ok(answer) => {
                    if !answer.known {
                        progress.tell(Step::Anew).await;
                    }
                    let whom_to_ask = self.whom_to_ask(asked).await;
                    return Ok(Answer { whom_to_ask, ..answer });
                }
                Err(unheard) => unheard,
            };
            if let Unheard::Failed(ModelError::OverBudget { retry_after }) = unheard {
                return Err(CannotAnswer::OverBudget { retry_after });
            }
            tracing::warn!(reason = %unheard, "a model did not answer; documents are quoted instead");
            progress.tell(Step::Anew).await;
            self.quotes(asked, unheard.word()).await
        }
        .boxed()
    }
}
