//! What a model may look at while it answers, and what it may propose: each tool by the scopes of whoever asks.
//!
//! No tool changes anything. What one gives is text for the model, redacted and bounded; what it found beside that is in
//! [`Findings`].

mod command_status;
mod events;
mod incident;
mod list_runbooks;
mod propose_command;
mod query_events;
mod recommend_code;
mod scopes;
mod search_documents;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use thiserror::Error;

use super::defences::{Defence, Defences};
use super::grounding::Shown;
use super::links::AllowedHosts;
use super::recommendation::Recommended;
use super::redaction::{Redacted, Redactor};
use super::{Asker, Proposal, Removed};
use crate::backbone::Backbone;
use crate::knowledge::Knowledge;
use crate::model::{Tool, ToolCall};
use crate::runbooks::RunbookCatalogue;

pub(super) use scopes::ToolScopes;
pub(super) use search_documents::find;

/// Of what one call gives, no more is shown.
const LONGEST_RESULT_BYTES: usize = 16 * 1024;
const LONGEST_ARGUMENTS_BYTES: usize = 8 * 1024;

/// All tools, and what they look at.
pub(super) struct Toolbox {
    pub(super) backbone: Arc<dyn Backbone>,
    pub(super) runbooks: Arc<dyn RunbookCatalogue>,
    pub(super) scopes: ToolScopes,
    pub(super) redactor: Redactor,
    pub(super) hosts: AllowedHosts,
    pub(super) defences: Defences,
}

/// What was found for one question so far.
pub(super) struct Findings {
    /// The documents of the moment at which the question came.
    pub(super) knowledge: Arc<Knowledge>,
    pub(super) shown: Shown,
    pub(super) queries: Vec<String>,
    pub(super) proposals: Vec<Proposal>,
    pub(super) recommended: Option<Recommended>,
    pub(super) removed: Vec<Removed>,
}

impl Findings {
    pub(super) fn nothing_yet(knowledge: Arc<Knowledge>, shown: Shown) -> Self {
        let (queries, proposals, removed) = (Vec::new(), Vec::new(), Vec::new());
        Self { knowledge, shown, queries, proposals, recommended: None, removed }
    }
}

/// Why a call gave nothing. A model is told so, in these words.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum Refusal {
    #[error("there is no such tool")]
    NoSuchTool,
    #[error("whoever asks may not use this tool")]
    NotAllowed,
    #[error("the arguments are not what the tool takes")]
    InvalidArguments,
    #[error("there is no such thing")]
    NotFound,
    #[error("there is no runbook of this name; list_runbooks tells which there are")]
    NoSuchRunbook,
    #[error("the runbook does not take these parameters: {0}")]
    WrongParameters(String),
    #[error("a parameter holds an address that the settings do not allow")]
    ForeignAddress,
    #[error("there are enough proposals")]
    EnoughProposals,
    #[error("it is not recommended: {0}")]
    NotRecommended(String),
    #[error("it cannot be looked at now")]
    Unavailable,
}

/// The tools by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    SearchDocuments,
    RecommendCode,
    QueryEvents,
    Incident,
    ListRunbooks,
    ProposeCommand,
    CommandStatus,
}

const KINDS: [Kind; 7] = [
    Kind::SearchDocuments,
    Kind::RecommendCode,
    Kind::QueryEvents,
    Kind::Incident,
    Kind::ListRunbooks,
    Kind::ProposeCommand,
    Kind::CommandStatus,
];

impl Kind {
    fn tool(self) -> Tool {
        match self {
            Self::SearchDocuments => search_documents::tool(),
            Self::RecommendCode => recommend_code::tool(),
            Self::QueryEvents => query_events::tool(),
            Self::Incident => incident::tool(),
            Self::ListRunbooks => list_runbooks::tool(),
            Self::ProposeCommand => propose_command::tool(),
            Self::CommandStatus => command_status::tool(),
        }
    }
}

impl Toolbox {
    /// What a model may call for this asker.
    pub(super) fn offered(&self, asker: &Asker) -> Vec<Tool> {
        KINDS.iter().filter(|kind| self.may_use(**kind, asker)).map(|kind| kind.tool()).collect()
    }

    /// Does what a model calls for, as far as the asker may. Whatever it gives is bounded.
    pub(super) async fn call(&self, call: &ToolCall, asker: &Asker, findings: &mut Findings) -> Redacted {
        let given = self.try_call(call, asker, findings).await;
        let given = given.unwrap_or_else(|refusal| self.redactor.text(&format!("refused: {refusal}")));
        if self.defences.has(Defence::Bounds) { given.within(LONGEST_RESULT_BYTES) } else { given }
    }

    async fn try_call(&self, call: &ToolCall, asker: &Asker, findings: &mut Findings) -> Result<Redacted, Refusal> {
        let kind = KINDS.into_iter().find(|kind| kind.tool().name == call.name).ok_or(Refusal::NoSuchTool)?;
        if !self.may_use(kind, asker) {
            return Err(Refusal::NotAllowed);
        }
        let arguments = call.arguments.as_str();
        match kind {
            Kind::SearchDocuments => search_documents::call(self, read(arguments)?, asker, findings).await,
            Kind::RecommendCode => recommend_code::call(self, read(arguments)?, findings),
            Kind::QueryEvents => query_events::call(self, read(arguments)?, findings).await,
            Kind::Incident => incident::call(self, read(arguments)?, findings).await,
            Kind::ListRunbooks => read(arguments).map(|arguments| list_runbooks::call(self, &arguments)),
            Kind::ProposeCommand => propose_command::call(self, read(arguments)?, findings),
            Kind::CommandStatus => command_status::call(self, read(arguments)?).await,
        }
    }

    fn may_use(&self, kind: Kind, asker: &Asker) -> bool {
        !self.defences.has(Defence::Scopes) || self.scopes.admit(kind, &asker.scopes)
    }
}

/// A model's arguments are somebody else's text.
fn read<T: DeserializeOwned>(arguments: &str) -> Result<T, Refusal> {
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    if arguments.len() > LONGEST_ARGUMENTS_BYTES {
        return Err(Refusal::InvalidArguments);
    }
    serde_json::from_str(arguments).map_err(|_| Refusal::InvalidArguments)
}
