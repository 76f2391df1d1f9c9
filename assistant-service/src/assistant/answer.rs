//! An answer as it is told, whoever made it.

use serde::Serialize;
use utoipa::ToSchema;

use super::links::AllowedHosts;
use super::words::clean;
use super::{Citation, EventCitation, Proposal, Recommendation};

/// What is known about a question.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Answer {
    /// Whether an answer is supported by what it cites.
    pub known: bool,
    /// How sure it is.
    pub confidence: Confidence,
    /// The answer in one sentence or so.
    pub short: Option<String>,
    /// The whole answer, in Markdown; without a model it is made of quotes alone.
    pub answer: Option<String>,
    /// Where it stands.
    pub citations: Vec<Citation>,
    /// Code of the company's own that helps; not there where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recommendation: Option<Recommendation>,
    /// Events that it rests on; `[e1]` in the answer is the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventCitation>,
    /// Runbooks that may help; nothing has been asked of any service.
    pub proposals: Vec<Proposal>,
    /// Whom to ask when the answer does not do: the owners of the nearest documents that the caller may read.
    pub whom_to_ask: Vec<Contact>,
    /// What was looked through.
    pub searched: Searched,
    /// Who made it.
    pub made_by: MadeBy,
    /// What a model said and what did not hold: it is not in the answer any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Removed>,
}

impl Answer {
    /// The same, with no links but to these hosts in its own words. Quotes stay what stands in the file: they are data.
    pub(super) fn linking_to(mut self, hosts: &AllowedHosts) -> Self {
        if let Some(answer) = &self.answer {
            let (answer, removed) = clean(answer, hosts);
            self.answer = Some(answer);
            self.removed.extend(removed);
        }
        self.short = self.short.map(|short| clean(&short, hosts).0);
        match self.recommendation.take().map(|recommendation| recommendation.admitted(hosts)) {
            Some(Ok(recommendation)) => {
                let (recommendation, removed) = recommendation.linking_to(hosts);
                self.recommendation = Some(recommendation);
                self.removed.extend(removed);
            }
            Some(Err(removed)) => self.removed.push(removed),
            None => {}
        }
        self
    }
}

/// How sure an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// There is no answer.
    None,
    /// The sources are near the question, and may not answer it.
    Low,
    /// The sources support most of it.
    Medium,
    /// The sources support all of it.
    High,
}

/// Somebody who can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Contact {
    /// Who, as the document's front matter says.
    pub owner: String,
    /// The document.
    pub file: String,
}

/// How much was looked through: what the caller may read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Searched {
    /// Documents.
    pub documents: usize,
    /// Sections of documents.
    pub sections: usize,
    /// What was looked for.
    pub queries: Vec<String>,
}

/// Who made an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MadeBy {
    /// Quotes, without any model.
    Documents {
        /// Set when a model should have answered and did not.
        #[serde(skip_serializing_if = "Option::is_none")]
        instead_of_model: Option<String>,
    },
    /// A model; what it cites was checked.
    Model {
        /// Its name in the settings.
        model: String,
    },
}

/// Something that was taken out of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Removed {
    /// `citation`, `quote`, `link`, `image`, `proposal` or `recommendation`.
    pub what: &'static str,
    /// Why.
    pub why: String,
}
