//! `PUT /v1/ratings/{answer}`: what an answer was worth to whoever asked. It is kept as an event, for training.
//!
//! The service keeps no question and no answer by itself; whoever rates hands both over by doing so. Each caller has one
//! rating of an answer, and a later one takes the place of an earlier one: the newest event of a caller about an answer counts.

#[cfg(test)]
mod tests;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use sha2::{Digest, Sha256};
use time::Duration;
use utoipa::ToSchema;

use crate::JsonBody;
use crate::backbone::{BackboneError, Batch, NewEvent, Put};
use crate::events::{CloudEvent, Stamp};
use crate::gate::Caller;
use crate::parameters::PathName;
use crate::problem::{FieldError, Problem, ProblemDocument};
use crate::state::AppState;

/// The type of the event that a rating is.
pub(crate) const RATED: &str = "dev.watchgate.assistant.rated";
const BUCKET: &str = "ratings";
const LONGEST_ANSWER_ID: usize = 128;
const LONGEST_QUESTION: usize = 2000;
const LONGEST_TEXT: usize = 8000;
/// A rating that is said again is known as the same for so long; after that it is one more event that says the same.
const KNOWN_FOR: Duration = Duration::days(30);
/// Two ratings of one caller about one answer at one moment are rare, and three are a program's mistake.
const MOST_CONFLICTS: usize = 3;

/// What an answer was worth.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RatingBody {
    /// Whether the answer helped.
    pub(crate) helpful: bool,
    /// What was asked, up to 2,000 characters. Without it nothing can be learnt from the rating.
    #[schema(max_length = 2000)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) question: Option<String>,
    /// What was answered, up to 8,000 characters.
    #[schema(max_length = 8000)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<String>,
    /// What should have been answered, up to 8,000 characters.
    #[schema(max_length = 8000)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) correction: Option<String>,
}

/// What was kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RatingReceipt {
    /// The answer's id.
    answer_id: String,
    /// Whether this very rating had been given before; then nothing was kept a second time.
    duplicate: bool,
}

/// Says what an answer was worth, in the place of what the caller said of it before. The texts are kept as an event that
/// whoever may read events can read.
#[utoipa::path(put, path = "/v1/ratings/{answer_id}", tag = "assistant", request_body = RatingBody,
    params(("answer_id" = String, Path, description = "The answer's id: 1 to 128 characters")),
    responses(
        (status = OK, description = "The rating is kept", body = RatingReceipt),
        (status = BAD_REQUEST, description = "A text is empty or too long", body = ProblemDocument)))]
pub(crate) async fn rate(
    State(state): State<AppState>,
    caller: Caller,
    PathName(answer_id): PathName,
    JsonBody(body): JsonBody<RatingBody>,
) -> Result<Json<RatingReceipt>, Problem> {
    let principal = caller.require_principal()?.uri();
    check(&answer_id, &body)?;
    let key = hex(&[principal.as_bytes(), answer_id.as_bytes()]);
    let duplicate = keep(&state, &caller, &key, &answer_id, &body).await?;
    Ok(Json(RatingReceipt { answer_id, duplicate }))
}

fn check(answer_id: &str, body: &RatingBody) -> Result<(), Problem> {
    let mut errors = Vec::new();
    let is_id = (1..=LONGEST_ANSWER_ID).contains(&answer_id.len()) && answer_id.bytes().all(|b| b.is_ascii_graphic());
    if !is_id {
        let detail = format!("must have 1 to {LONGEST_ANSWER_ID} visible characters of ASCII");
        errors.push(FieldError::new("answer_id", detail));
    }
    for (field, text, longest) in [
        ("question", &body.question, LONGEST_QUESTION),
        ("answer", &body.answer, LONGEST_TEXT),
        ("correction", &body.correction, LONGEST_TEXT),
    ] {
        match text {
            Some(text) if text.trim().is_empty() => errors.push(FieldError::new(field, "must not be empty")),
            Some(text) if text.chars().nth(longest).is_some() => {
                errors.push(FieldError::new(field, format!("may have {longest} characters")));
            }
            Some(_) | None => {}
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
}

/// Keeps the event and what it is known by in one step. Whether it had been said before.
async fn keep(
    state: &AppState,
    caller: &Caller,
    key: &str,
    answer_id: &str,
    body: &RatingBody,
) -> Result<bool, Problem> {
    let data = to_raw_value(body).map_err(Problem::internal)?;
    let digest = hex(&[data.get().as_bytes()]);
    let mut conflicts = 0_usize;
    loop {
        let before = state.backbone.get(BUCKET, key.to_owned()).await?;
        if before.as_ref().is_some_and(|before| before.value == digest.as_bytes()) {
            return Ok(true);
        }
        let now = state.clock.now();
        let put = Put {
            bucket: BUCKET,
            key: key.to_owned(),
            value: Some(digest.clone().into_bytes()),
            expected_revision: before.map(|before| before.revision),
            expires_at: now.checked_add(KNOWN_FOR),
        };
        // Whoever rates may quote what not everybody may read.
        let event = CloudEvent::own(RATED.to_owned(), Some(answer_id.to_owned()), data.clone())
            .with_default("dataclassification", Some("confidential"))
            .stamped(&Stamp {
                caller: Some(caller),
                correlation_id: Some(caller.transaction()),
                traceparent: None,
                arrived_at: now,
            });
        let events = vec![NewEvent::try_from(event).map_err(Problem::internal)?];
        match state.backbone.commit(Batch { events, puts: vec![put] }).await {
            Ok(_) => return Ok(false),
            Err(BackboneError::Conflict { .. }) if conflicts < MOST_CONFLICTS => {
                conflicts = conflicts.saturating_add(1);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// A digest of parts that cannot be cut in another way and be the same.
fn hex(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
