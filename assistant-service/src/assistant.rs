//! Answers questions with sources, and proposes runbooks.
//!
//! Whatever form an assistant has, it hands out [`Citation`]s, and those exist only for text that stands in a section.
//! An assistant never acts: a proposal is a name of the catalogue and values from its schema, for a person to send.

mod answer;
pub(crate) mod ask;
mod awaiting;
mod citation;
mod clauses;
mod comments;
mod defences;
mod extractive;
mod finding;
mod grounding;
mod judgement;
pub(crate) mod links;
mod modelled;
mod proposal;
mod recommendation;
pub(crate) mod redaction;
pub(crate) mod settings;
mod support;
mod tools;
pub(crate) mod words;

#[cfg(test)]
mod tests;

use std::time::Duration;

use futures_util::future::BoxFuture;
use thiserror::Error;
use tokio::sync::mpsc;

use crate::knowledge::Scopes;
use crate::problem::Problem;

pub use answer::{Answer, Confidence, Contact, MadeBy, Removed, Searched};
pub(crate) use awaiting::AwaitingDocuments;
pub use citation::{Citation, EventCitation};
pub(crate) use defences::Defences;
pub use extractive::ExtractiveAssistant;
pub(crate) use extractive::Place;
use grounding::without_marks;
pub(crate) use modelled::{ModelledAssistant, Parts};
pub use proposal::Proposal;
pub use recommendation::Recommendation;

/// Answers questions.
pub trait Assistant: Send + Sync {
    /// Answers from what the asker may know, or says that nothing of it supports an answer. What goes on meanwhile is told to
    /// `progress`; the answer alone counts. Dropping the future ends all work on it.
    fn answer(&self, asked: Asked, progress: Progress) -> BoxFuture<'_, Result<Answer, CannotAnswer>>;
}

/// A question, and who asks it.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The question.
    pub question: String,
    /// What was said before, oldest first. It is the client's word alone: nothing in it was ever checked.
    pub earlier: Vec<Turn>,
    /// Who asks.
    pub asker: Asker,
}

/// Who asks, as far as an answer depends on it.
#[derive(Clone, Debug, Default)]
pub struct Asker {
    /// The principal's URI.
    pub principal: String,
    /// The scopes of the asker's own token.
    pub scopes: Scopes,
}

/// A part of a conversation as a client tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Said by whoever asks.
    Asked(String),
    /// Said to have been answered.
    Answered(String),
}

impl Turn {
    /// What was said, by whomever.
    #[must_use]
    pub fn text(&self) -> &str {
        let (Self::Asked(text) | Self::Answered(text)) = self;
        text
    }
}

/// What goes on while an answer is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The documents were searched for this.
    Searched {
        /// What for.
        query: String,
        /// How many sections were found.
        sections: usize,
    },
    /// A tool was used.
    Used {
        /// Its name.
        tool: String,
    },
    /// The next words of the answer. Links are checked already; citations not yet, and the answer at the end may have fewer.
    Words(String),
    /// What was said so far is void: a model broke off, and another answer begins.
    Anew,
}

/// Where an assistant tells what goes on. Nobody need listen.
#[derive(Clone, Debug, Default)]
pub struct Progress(Option<mpsc::Sender<Step>>);

impl Progress {
    /// Tells a listener, who is waited for.
    #[must_use]
    pub fn to(listener: mpsc::Sender<Step>) -> Self {
        Self(Some(listener))
    }

    /// Tells it. A listener who is gone is no matter.
    pub async fn tell(&self, step: Step) {
        if let Some(listener) = &self.0 {
            let _ = listener.send(step).await;
        }
    }
}

/// Why there is no answer at all, not even that nothing is known.
#[derive(Debug, Error)]
pub enum CannotAnswer {
    /// The asker has used what one may use in a day.
    #[error("the asker has no budget left")]
    OverBudget {
        /// When there is some again.
        retry_after: Duration,
    },
    /// The documents have not been looked through yet.
    #[error("the documents are still being read")]
    StillReading,
    /// A mistake in the service.
    #[error("a mistake of the service")]
    Internal(#[source] anyhow::Error),
}

impl From<CannotAnswer> for Problem {
    fn from(cannot: CannotAnswer) -> Self {
        match cannot {
            CannotAnswer::OverBudget { retry_after } => Self::OverBudget { retry_after },
            CannotAnswer::StillReading => Self::NotReady,
            CannotAnswer::Internal(cause) => Self::Internal(cause),
        }
    }
}
