//! What the assistant's answer is worth as an insight: how sure it is, by a rule of ours, and what of it anybody may read.

use serde::Serialize;
use serde_json::{Map, Value};

use super::grouping::one_line;
use super::watch::Watch;
use crate::assistant::{Answer, Citation, Confidence, Contact, MadeBy};
use crate::runbooks::RunbookCatalogue;

const LONGEST_SHORT: usize = 600;
const MOST_CITATIONS: usize = 5;
const MOST_QUOTED_BYTES: usize = 16 * 1024;
const MOST_CONTACTS: usize = 3;
const MOST_PARAMETER_BYTES: usize = 4096;

/// How sure an insight is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Judgement {
    /// Documents support all of the answer.
    Confirmed,
    /// Documents support most of it.
    Likely,
    /// Nobody knows.
    Unknown,
}

/// Why an insight is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WhyUnknown {
    /// The documents do not answer the question.
    NotInDocuments,
    /// The answer cites nothing that stands anywhere.
    NotCited,
    /// The answer is not sure enough.
    NotSure,
    /// The watch has asked as often as it may within an hour.
    InsightsPerHour,
    /// Too many others of the watch wait for the assistant.
    TooManyWait,
    /// The watch has used what it may use of models in a day.
    OverBudget,
    /// The assistant has made a mistake.
    AssistantFailed,
    /// The assistant did not answer in time.
    TookTooLong,
}

/// A runbook that may help, for a person to ask for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Proposed {
    runbook: String,
    title: String,
    /// They fit the runbook's schema, all that it requires among them.
    parameters: Map<String, Value>,
}

/// What is said of the events beside their numbers.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    pub(super) judgement: Judgement,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why_unknown: Option<WhyUnknown>,
    pub(super) short: Option<String>,
    pub(super) citations: Vec<Citation>,
    /// How many citations are left out because not everybody may read what they quote.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) withheld_citations: usize,
    pub(super) proposal: Option<Proposed>,
    pub(super) whom_to_ask: Vec<Contact>,
    pub(super) made_by: Option<MadeBy>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Judgement {
    /// Its name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Likely => "likely",
            Self::Unknown => "unknown",
        }
    }
}

impl Finding {
    /// Without any answer.
    pub(super) fn unknown(why: WhyUnknown) -> Self {
        Self {
            judgement: Judgement::Unknown,
            why_unknown: Some(why),
            short: None,
            citations: Vec::new(),
            withheld_citations: 0,
            proposal: None,
            whom_to_ask: Vec::new(),
            made_by: None,
        }
    }

    /// Of an answer. Whoever may read events may read this, so nothing of it may come from what only the watch's scopes open: an
    /// answer that is words alone shows not where each of them comes from, and is left out as soon as it could.
    pub(super) fn of(answer: Answer, watch: &Watch, catalogue: &dyn RunbookCatalogue) -> Self {
        let (judgement, why_unknown) = judge(&answer);
        let withheld_citations = answer.citations.iter().filter(|citation| citation.is_restricted()).count();
        let is_quoted = matches!(answer.made_by, MadeBy::Documents { .. });
        let is_public = withheld_citations == 0 && (watch.scopes.is_empty() || is_quoted);
        let proposal = proposal(&answer, catalogue).filter(|_| is_public);
        let Answer { short, citations, whom_to_ask, made_by, .. } = answer;
        let mut room = MOST_QUOTED_BYTES;
        let citations = citations.into_iter().filter(|citation| !citation.is_restricted()).take_while(|citation| {
            let left = room.checked_sub(citation.quote().len());
            room = left.unwrap_or_default();
            left.is_some()
        });
        Self {
            judgement,
            why_unknown,
            short: short.filter(|_| is_public).map(|short| one_line(&short, LONGEST_SHORT)),
            citations: citations.take(MOST_CITATIONS).collect(),
            withheld_citations,
            proposal,
            // With scopes of its own a watch also reads who owns what others may not know of.
            whom_to_ask: if watch.scopes.is_empty() {
                whom_to_ask.into_iter().take(MOST_CONTACTS).collect()
            } else {
                Vec::new()
            },
            made_by: Some(made_by),
        }
    }
}

/// An answer without a source that was checked is never more than unknown, however sure whoever made it is. A quote says what
/// documents say, and nobody has held it against what happened: it is likely at most.
fn judge(answer: &Answer) -> (Judgement, Option<WhyUnknown>) {
    if !answer.known {
        return (Judgement::Unknown, Some(WhyUnknown::NotInDocuments));
    }
    if answer.citations.is_empty() {
        return (Judgement::Unknown, Some(WhyUnknown::NotCited));
    }
    match (answer.confidence, &answer.made_by) {
        (Confidence::High, MadeBy::Model { .. }) => (Judgement::Confirmed, None),
        (Confidence::High, MadeBy::Documents { .. }) | (Confidence::Medium, _) => (Judgement::Likely, None),
        (Confidence::Low | Confidence::None, _) => (Judgement::Unknown, Some(WhyUnknown::NotSure)),
    }
}

/// The first proposal that could be sent as it stands.
fn proposal(answer: &Answer, catalogue: &dyn RunbookCatalogue) -> Option<Proposed> {
    answer.proposals.iter().find_map(|proposal| {
        let runbook = catalogue.get(&proposal.runbook)?;
        let parameters = Value::Object(proposal.parameters.clone());
        let fits =
            runbook.check_parameters(&parameters).is_ok() && parameters.to_string().len() <= MOST_PARAMETER_BYTES;
        let (runbook, title) = (runbook.name.clone(), runbook.title.clone());
        fits.then(|| Proposed { runbook, title, parameters: proposal.parameters.clone() })
    })
}
