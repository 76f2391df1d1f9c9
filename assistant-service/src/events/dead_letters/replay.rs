//! Sending a dead letter again, corrected or as it was, and throwing one away.
//!
//! A replayed event is its sender's, not the replayer's: it is held to the policy that held when it came, and it carries the
//! sender's name. Who replayed it stands in the event that tells of it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use super::{Kept, given_up};
use crate::events::binding::{self, Mode};
use crate::events::cloud_event::CloudEvent;
use crate::events::intake::{Intake, Refusal};
use crate::events::publish::Receipt;
use crate::gate::Caller;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// Sends a dead letter again: the event in the body in its place, or without a body as it came.
#[utoipa::path(post, path = "/v1/dead-letters/{id}/replay", tag = "events",
    params(("id" = String, Path, description = "The dead letter")),
    request_body(content = Option<serde_json::Value>, content_type = "application/cloudevents+json",
        description = "The corrected event, of the same type and source as far as the dead letter has them"),
    responses(
        (status = ACCEPTED, description = "The event is on stable storage, the dead letter gone", body = Receipt),
        (status = BAD_REQUEST, description = "It is still malformed, or was cut off", body = ProblemDocument),
        (status = FORBIDDEN, description = "Its sender could not have sent the corrected event", body = ProblemDocument),
        (status = NOT_FOUND, description = "No such dead letter, or no longer", body = ProblemDocument),
        (status = CONFLICT, description = "Somebody else was faster", body = ProblemDocument),
        (status = UNSUPPORTED_MEDIA_TYPE, description = "Not one structured event", body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "Its data does not fit its schema", body = ProblemDocument)))]
pub(crate) async fn replay(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Receipt>), Problem> {
    caller.require_principal()?;
    let kept = state.dead_letters.find(&id).await?;
    let is_corrected = !body.is_empty();
    match &kept.letter.given_up {
        Some(_) if is_corrected => {
            return Err(Problem::invalid("body", "must be empty: it is handed out again as it is"));
        }
        Some(given_up) => return given_up::hand_out_again(&state, &kept, given_up, &caller).await,
        None => {}
    }
    if is_corrected && binding::mode(&headers)? != Mode::Structured {
        return Err(Problem::UnsupportedMediaType);
    }
    let intake = Intake::new(&kept.letter.submission, &state.event_schemas);
    let event = if is_corrected { corrected(&intake, &kept, &body) } else { as_it_came(&intake, &kept) }?;
    let taken = intake.keep(event)?;
    let committed = state.dead_letters.replay(&kept, taken.event, is_corrected, &caller).await?;
    let receipt = Receipt::new(taken.id, taken.source, committed.events.first())?;
    receipt.count(&state.metrics);
    state.metrics.dead_letters_replayed.inc();
    Ok((StatusCode::ACCEPTED, Json(receipt)))
}

/// Throws a dead letter away.
#[utoipa::path(delete, path = "/v1/dead-letters/{id}", tag = "events",
    params(("id" = String, Path, description = "The dead letter")),
    responses(
        (status = NO_CONTENT, description = "It is gone"),
        (status = NOT_FOUND, description = "No such dead letter, or no longer", body = ProblemDocument),
        (status = CONFLICT, description = "Somebody else was faster", body = ProblemDocument)))]
pub(crate) async fn discard(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<StatusCode, Problem> {
    caller.require_principal()?;
    let kept = state.dead_letters.find(&id).await?;
    state.dead_letters.discard(&kept, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn as_it_came(intake: &Intake<'_>, kept: &Kept) -> Result<CloudEvent, Problem> {
    let letter = &kept.letter;
    if letter.is_cut {
        return Err(Problem::invalid(
            "body",
            "the rest of this dead letter was not kept: send the whole event, corrected",
        ));
    }
    let (headers, body) = letter.request();
    intake.read(letter.mode, &headers, &body).map_err(|refusal| told(refusal, intake, kept))
}

/// Whoever may replay may not make a sender say what the sender never did: what is there of type and source stays.
fn corrected(intake: &Intake<'_>, kept: &Kept, body: &[u8]) -> Result<CloudEvent, Problem> {
    let event =
        intake.read(Mode::Structured, &HeaderMap::new(), body).map_err(|refusal| told(refusal, intake, kept))?;
    let is_same = |original: &Option<String>, now: &str| original.as_deref().is_none_or(|original| original == now);
    let letter = &kept.letter;
    if is_same(&letter.event_type, event.event_type()) && is_same(&letter.source, event.source()) {
        Ok(event)
    } else {
        Err(Problem::ReplayRefused)
    }
}

fn told(refusal: Refusal, intake: &Intake<'_>, kept: &Kept) -> Problem {
    match refusal {
        Refusal::NotYours(refusal) => Problem::EventRefused { refusal, own_source: intake.own_source() },
        Refusal::NotFit(reason, malformed) => {
            Problem::EventNotTaken { reason, errors: malformed.errors, dead_letter: kept.letter.id.clone() }
        }
    }
}
