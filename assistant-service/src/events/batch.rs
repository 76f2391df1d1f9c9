//! Many events in one request (CloudEvents JSON format 1.0.2, section 4): each is held to everything that a single one is
//! held to, and all are kept in one step.

use axum::http::HeaderMap;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::binding::Mode;
use super::binding::json::{Items, MAX_BATCH_EVENTS, items};
use super::dead_letters::Letter;
use super::intake::{Intake, Reason, Refusal};
use super::publish::{Receipt, dead};
use super::submission::Submission;
use crate::backbone::NewEvent;
use crate::problem::{FieldError, Problem};
use crate::state::AppState;

/// Told of each; all of them stand in the dead letter. An answer is not to be larger than its request.
const ERRORS_TOLD: usize = 4;

/// What became of one event of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum BatchReceipt {
    /// It is kept.
    Kept(Receipt),
    /// It could not be taken, and is a dead letter.
    Dead(NotTaken),
}

/// The answer: of one event, or of each event of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "says in the document what the two answers are")]
pub(crate) enum PublishReceipt {
    /// Binary and structured mode.
    One(Receipt),
    /// Batch mode.
    Batch(Vec<BatchReceipt>),
}

/// An event of a batch that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotTaken {
    /// Its place in the batch, from 0.
    index: usize,
    /// The dead letter that it has become.
    dead_letter: String,
    /// The first things that are wrong with it.
    errors: Vec<FieldError>,
}

/// What becomes of a batch, before any of it is kept.
#[derive(Default)]
struct Sorted {
    outcomes: Vec<Outcome>,
    events: Vec<NewEvent>,
    letters: Vec<Letter>,
}

enum Outcome {
    Taken { id: String, source: String },
    Dead(NotTaken),
}

/// Keeps the events of a batch; gives one receipt for each, in their order.
pub(super) async fn publish(
    state: &AppState,
    submission: &Submission,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Vec<BatchReceipt>, Problem> {
    let events = match items(body) {
        Ok(Items::All(events)) => events,
        Ok(Items::TooMany) => {
            let what = format!("has more than {MAX_BATCH_EVENTS} events; send them in several batches");
            return Err(Problem::invalid("body", what));
        }
        Err(malformed) => {
            let letter = Letter::new(Reason::Malformed, malformed, submission, Mode::Batch, headers, body);
            return Err(dead(state, letter).await);
        }
    };
    let intake = Intake::new(submission, &state.event_schemas);
    let Sorted { outcomes, events, letters } = sort(&intake, submission, headers, &events)?;
    if outcomes.is_empty() {
        return Ok(Vec::new());
    }
    let nothing_is_taken = events.is_empty();
    let committed = state.dead_letters.commit(events, &letters).await?;
    let mut appended = committed.events.iter();
    let mut receipts = Vec::with_capacity(outcomes.len());
    let mut not_taken = Vec::new();
    for outcome in outcomes {
        match outcome {
            Outcome::Taken { id, source } => {
                let receipt = Receipt::new(id, source, appended.next())?;
                receipt.count(&state.metrics);
                receipts.push(BatchReceipt::Kept(receipt));
            }
            Outcome::Dead(dead) if nothing_is_taken => not_taken.push(dead),
            Outcome::Dead(dead) => receipts.push(BatchReceipt::Dead(dead)),
        }
    }
    if nothing_is_taken { Err(Problem::BatchNotTaken(not_taken)) } else { Ok(receipts) }
}

/// Decides about each event. One that is not the sender's refuses them all: that is an attack, or a mistake in a
/// configuration, and neither is to go half through.
fn sort(
    intake: &Intake<'_>,
    submission: &Submission,
    headers: &HeaderMap,
    events: &[&RawValue],
) -> Result<Sorted, Problem> {
    let mut sorted = Sorted::default();
    sorted.outcomes.reserve(events.len());
    sorted.events.reserve(events.len());
    for (index, text) in events.iter().enumerate() {
        let text = text.get().as_bytes();
        match intake.read(Mode::Batch, headers, text) {
            Ok(event) => {
                let taken = intake.keep(event)?;
                sorted.events.push(taken.event);
                sorted.outcomes.push(Outcome::Taken { id: taken.id, source: taken.source });
            }
            Err(Refusal::NotYours(refusal)) => {
                return Err(Problem::BatchRefused { index, refusal, own_source: intake.own_source() });
            }
            Err(Refusal::NotFit(reason, malformed)) => {
                let errors = malformed.errors.iter().take(ERRORS_TOLD).cloned().collect();
                let letter = Letter::new(reason, malformed, submission, Mode::Batch, headers, text);
                sorted.outcomes.push(Outcome::Dead(NotTaken { index, dead_letter: letter.id.clone(), errors }));
                sorted.letters.push(letter);
            }
        }
    }
    Ok(sorted)
}
