//! Answers questions from the documents and proposes runbooks, without any model.
//!
//! Whatever form an assistant has, it hands out [`Citation`]s, and those exist only for text that stands in a section.
//! An assistant never acts: a proposal is a name of the catalogue and values from its schema, for a person to send.

pub(crate) mod ask;
mod citation;
mod extractive;
mod proposal;
mod support;

#[cfg(test)]
mod tests;

use serde::Serialize;
use utoipa::ToSchema;

use crate::knowledge::Scopes;

pub use citation::Citation;
pub use extractive::ExtractiveAssistant;
pub use proposal::Proposal;

/// Answers questions.
pub trait Assistant: Send + Sync {
    /// Answers from what a reader with these scopes may know, or says that nothing of it supports an answer.
    fn answer(&self, question: &str, scopes: &Scopes) -> Answer;
}

/// What the documents say about a question.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Answer {
    /// Whether the documents support an answer.
    pub known: bool,
    /// The answer in short, made of quotes alone.
    pub answer: Option<String>,
    /// Where it stands.
    pub citations: Vec<Citation>,
    /// Runbooks that may help; nothing has been asked of any service.
    pub proposals: Vec<Proposal>,
    /// What was looked through.
    pub searched: Searched,
}

/// How much was looked through: what the caller may read.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Searched {
    /// Documents.
    pub documents: usize,
    /// Sections of documents.
    pub sections: usize,
}
