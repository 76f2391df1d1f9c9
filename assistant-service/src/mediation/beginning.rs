//! `POST /v1/mediations`: somebody wants to settle something with somebody else.

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use trust_core::principal::Principal;
use utoipa::ToSchema;
use uuid::Uuid;

use super::book::{ATTEMPTS, Kept, commit};
use super::people::{Listed, MOST_LISTED};
use super::record::{Record, Side};
use super::view::MediationView;
use super::{LONGEST_TOPIC, said};
use crate::JsonBody;
use crate::commands::{IdempotencyKey, unless_crossed};
use crate::gate::Caller;
use crate::problem::{FieldError, Problem, ProblemDocument};
use crate::state::AppState;

/// Of one person, whoever began them; more are not begun by that person.
const MOST_OPEN: usize = 20;

const LONGEST_ISSUER: usize = 512;
const LONGEST_SUBJECT: usize = 255;

/// What is to be settled, and with whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MediationBody {
    /// What it is about, 1 to 200 characters. Both read it.
    #[schema(min_length = 1, max_length = 200)]
    topic: String,
    /// The other one.
    with: WithBody,
}

/// Somebody by the issuer of their tokens and their subject there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WithBody {
    issuer: String,
    subject: String,
}

/// Begins a mediation. The other one finds it in their list, and may leave it.
///
/// With an `Idempotency-Key` the same request may be sent again without a second mediation coming of it, as long as the first is kept.
#[utoipa::path(post, path = "/v1/mediations", tag = "mediations", request_body = MediationBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "1 to 255 visible characters of ASCII, in quotes or without; each caller has keys of their own")),
    responses(
        (status = CREATED, description = "Begun", body = MediationView, headers(("Location", description = "The mediation"))),
        (status = OK, description = "Begun before, under the same key", body = MediationView,
            headers(("Location", description = "The mediation"))),
        (status = BAD_REQUEST, description = "There is no topic, or nobody else", body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "The key was used for another mediation", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "The caller is in 20 that are open, or one of the two in 100 that are kept",
            body = ProblemDocument)))]
pub(crate) async fn begin(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<MediationBody>,
) -> Result<Response, Problem> {
    let first = caller.require_principal()?.clone();
    let (topic, second) = body.checked(&first)?;
    let id = match IdempotencyKey::of(&headers)? {
        Some(key) => id_of(&key, &first)?,
        None => Uuid::now_v7(),
    };
    let now = state.clock.now();
    let record = Record::new(id.to_string(), topic, first, second, now);
    let (status, record) = unless_crossed(ATTEMPTS, || begin_once(&state, &record)).await?;
    let location = format!("/v1/mediations/{}", record.id);
    let view = MediationView::of(&record, Side::First, now);
    Ok((status, [(LOCATION, location)], Json(view)).into_response())
}

async fn begin_once(state: &AppState, record: &Record) -> Result<(StatusCode, Record), Problem> {
    let backbone = &*state.backbone;
    let (first, second) = (&record.first.principal, &record.second.principal);
    if let Some(Kept { record: before, .. }) = Kept::read(backbone, &record.id).await? {
        let is_the_same = before.topic == record.topic && before.second.principal == *second && !before.first.has_left;
        return if is_the_same { Ok((StatusCode::OK, before)) } else { Err(Problem::IdempotencyKeyReused) };
    }
    let (own, theirs) = (Listed::of(backbone, first).await?, Listed::of(backbone, second).await?);
    let is_full = |listed: &Listed| listed.records.len() >= MOST_LISTED;
    if own.open_count() >= MOST_OPEN || is_full(&own) || is_full(&theirs) {
        return Err(Problem::TooManyMediations);
    }
    let now = record.created_at;
    let lists = vec![own.with(&record.id, now)?, theirs.with(&record.id, now)?];
    commit(backbone, record, None, now, lists).await?;
    Ok((StatusCode::CREATED, record.clone()))
}

/// The same id for the same key of the same person, which nobody else can come to.
fn id_of(key: &IdempotencyKey, who: &Principal) -> Result<Uuid, Problem> {
    let digest = key.digest_for(who);
    let bytes = digest.first_chunk::<16>().ok_or_else(|| Problem::mistake("a digest has no 16 bytes"))?;
    Ok(uuid::Builder::from_custom_bytes(*bytes).into_uuid())
}

impl MediationBody {
    fn checked(self, first: &Principal) -> Result<(String, Principal), Problem> {
        let topic = said("topic", &self.topic, LONGEST_TOPIC)?;
        let WithBody { issuer, subject } = self.with;
        let mut errors = Vec::new();
        for (field, text, longest) in
            [("with.issuer", &issuer, LONGEST_ISSUER), ("with.subject", &subject, LONGEST_SUBJECT)]
        {
            if text.is_empty() || text.chars().nth(longest).is_some() || text.chars().any(char::is_control) {
                errors.push(FieldError::new(
                    field,
                    format!("must have 1 to {longest} characters, and no control characters"),
                ));
            }
        }
        let second = Principal::new(issuer, subject);
        if second == *first {
            errors.push(FieldError::new("with", "must be somebody else"));
        }
        if errors.is_empty() { Ok((topic, second)) } else { Err(errors.into()) }
    }
}
