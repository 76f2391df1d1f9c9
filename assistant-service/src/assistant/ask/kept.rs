//! What is kept of a question and its answer: an event.

use serde::Serialize;
use serde_json::value::to_raw_value;
use sha2::{Digest, Sha256};

use super::Told;
use crate::assistant::{Citation, Confidence, MadeBy};
use crate::backbone::{Batch, NewEvent};
use crate::events::{CloudEvent, Stamp};
use crate::gate::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// The type of the event that an answer is.
pub(crate) const ANSWERED: &str = "dev.watchgate.assistant.answered";

/// People ask about what they would not want to find in a log, so the question's text is not among it; nor is what
/// restricted documents say, for whoever reads events need not be among their readers.
#[derive(Debug, Serialize)]
struct Answered<'a> {
    answer_id: String,
    question_sha256: Fingerprint,
    known: bool,
    confidence: Confidence,
    made_by: &'a MadeBy,
    citations: Vec<&'a Citation>,
    /// How many are not among them, for not everybody may read what they quote.
    withheld_citations: usize,
    proposals: Vec<&'a str>,
    /// How much a model said that did not hold.
    removed: usize,
}

/// A question's SHA-256, by which it is known again to those who know it.
#[derive(Debug, Serialize)]
pub(super) struct Fingerprint(String);

impl Fingerprint {
    pub(super) fn of(question: &str) -> Self {
        Self(Sha256::digest(question).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Commits it.
pub(super) async fn keep(
    state: &AppState,
    caller: &Caller,
    question_sha256: Fingerprint,
    told: &Told,
) -> Result<(), Problem> {
    let answer = &told.answer;
    let answered = Answered {
        answer_id: told.id.to_string(),
        question_sha256,
        known: answer.known,
        confidence: answer.confidence,
        made_by: &answer.made_by,
        citations: answer.citations.iter().filter(|citation| !citation.is_restricted()).collect(),
        withheld_citations: answer.citations.iter().filter(|citation| citation.is_restricted()).count(),
        proposals: answer.proposals.iter().map(|proposal| proposal.runbook.as_str()).collect(),
        removed: answer.removed.len(),
    };
    let data = to_raw_value(&answered).map_err(Problem::internal)?;
    let event = CloudEvent::own(ANSWERED.to_owned(), None, data).stamped(&Stamp {
        caller: Some(caller),
        correlation_id: Some(caller.transaction()),
        traceparent: None,
        arrived_at: state.clock.now(),
    });
    let event = NewEvent::try_from(event).map_err(Problem::internal)?;
    state.backbone.commit(Batch { events: vec![event], puts: Vec::new() }).await?;
    Ok(())
}
