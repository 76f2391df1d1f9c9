//! `POST /v1/events`: answered when what came is on stable storage, never before.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::batch;
use super::binding::{self, Mode};
use super::dead_letters::Letter;
use super::intake::{Intake, Refusal};
use super::submission::Submission;
use crate::backbone::{Appended, Position};
use crate::gate::Caller;
use crate::metrics::Metrics;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// That an event is kept, and where.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Receipt {
    id: String,
    source: String,
    position: Position,
    /// Whether it had been kept before; then the first one stays as it was.
    duplicate: bool,
}

impl Receipt {
    /// The receipt of an event that was committed.
    pub(super) fn new(id: String, source: String, appended: Option<&Appended>) -> Result<Self, Problem> {
        let appended = appended.ok_or_else(|| Problem::mistake("the store did not say where an event stands"))?;
        Ok(Self { id, source, position: appended.position, duplicate: appended.is_duplicate })
    }

    pub(super) fn count(&self, metrics: &Metrics) {
        let counter = if self.duplicate { &metrics.events_duplicate } else { &metrics.events_stored };
        counter.inc();
    }
}

/// Keeps an event (CloudEvents 1.0 in binary mode, with `ce-` headers, or structured mode), or up to 1,000 events at once
/// (batch mode). What its sender may send and what still cannot be taken is kept as a dead letter.
#[utoipa::path(post, path = "/v1/events", tag = "events",
    request_body(content(
        (serde_json::Value = "application/cloudevents+json"),
        (Vec<serde_json::Value> = "application/cloudevents-batch+json")),
        description = "The event, or the events; in binary mode its data, of any content type"),
    responses(
        (status = ACCEPTED, description = "On stable storage; of a batch a list with one for each event, in order",
            body = batch::PublishReceipt),
        (status = BAD_REQUEST, description = "Malformed; each wrong attribute is named", body = ProblemDocument),
        (status = FORBIDDEN, description = "Not the caller's to send; of a batch nothing is kept", body = ProblemDocument),
        (status = PAYLOAD_TOO_LARGE, description = "Over 1 MiB", body = ProblemDocument),
        (status = UNSUPPORTED_MEDIA_TYPE, description = "Another format, or not UTF-8", body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "The data does not fit the schema of its type",
            body = ProblemDocument)))]
pub(crate) async fn publish(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    caller.require_principal()?;
    let mode = binding::mode(&headers)?;
    let submission = Submission::of(&caller, mode, &headers, state.clock.now())?;
    if mode == Mode::Batch {
        let receipts = batch::publish(&state, &submission, &headers, &body).await?;
        Ok((StatusCode::ACCEPTED, Json(receipts)).into_response())
    } else {
        let receipt = publish_one(&state, &submission, mode, &headers, &body).await?;
        Ok((StatusCode::ACCEPTED, Json(receipt)).into_response())
    }
}

async fn publish_one(
    state: &AppState,
    submission: &Submission,
    mode: Mode,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Receipt, Problem> {
    let intake = Intake::new(submission, &state.event_schemas);
    let event = match intake.read(mode, headers, body) {
        Ok(event) => event,
        Err(Refusal::NotYours(refusal)) => {
            return Err(Problem::EventRefused { refusal, own_source: intake.own_source() });
        }
        Err(Refusal::NotFit(reason, malformed)) => {
            let letter = Letter::new(reason, malformed, submission, mode, headers, body);
            return Err(dead(state, letter).await);
        }
    };
    let taken = intake.keep(event)?;
    let committed = state.dead_letters.commit(vec![taken.event], &[]).await?;
    let receipt = Receipt::new(taken.id, taken.source, committed.events.first())?;
    receipt.count(&state.metrics);
    Ok(receipt)
}

/// Keeps a letter and says so; when it could not be kept, that is what is said.
pub(super) async fn dead(state: &AppState, letter: Letter) -> Problem {
    let letters = [letter];
    match state.dead_letters.commit(Vec::new(), &letters).await {
        Ok(_) => {
            let [Letter { id, reason, errors, .. }] = letters;
            Problem::EventNotTaken { reason, errors, dead_letter: id }
        }
        Err(problem) => problem,
    }
}
