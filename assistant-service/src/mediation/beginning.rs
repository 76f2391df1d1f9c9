//! `POST /v1/mediations`: somebody wants to settle something with somebody else.

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use trust_core::principal::Principal;
use utoipa::ToSchema;

use super::book::{ATTEMPTS, Kept, begun};
use super::people::Listed;
use super::record::{Record, Side};
use super::view::MediationView;
use super::{LONGEST_TOPIC, new_id, said};
use crate::JsonBody;
use crate::commands::{IdempotencyKey, KeyUse, unless_crossed};
use crate::gate::Caller;
use crate::problem::{FieldError, Problem, ProblemDocument};
use crate::state::AppState;

/// Keys that mediations were begun with. Their ids do not follow from them: whoever reads an id in an event could try people and keys.
const KEYS: &str = "mediations.keys";

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
/// With an `Idempotency-Key` the same request may be sent again for a day without a second mediation coming of it.
#[utoipa::path(post, path = "/v1/mediations", tag = "mediations", request_body = MediationBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "1 to 255 visible characters of ASCII, in quotes or without; each caller has keys of their own")),
    responses(
        (status = CREATED, description = "Begun", body = MediationView, headers(("Location", description = "The mediation"))),
        (status = OK, description = "Begun before, under the same key", body = MediationView,
            headers(("Location", description = "The mediation"))),
        (status = BAD_REQUEST, description = "There is no topic, or nobody else", body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "The key was used for another mediation, or for one that is left", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "The caller has begun 20 that are open, 100 that are kept or 10 within a day, or the \
            other one was drawn into 100 that are kept", body = ProblemDocument)))]
pub(crate) async fn begin(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<MediationBody>,
) -> Result<Response, Problem> {
    let first = caller.require_principal()?.clone();
    let (topic, second) = body.checked(&first)?;
    let call = || serde_json::to_vec(&(&topic, &second)).map_err(Problem::internal);
    let key = IdempotencyKey::of(&headers)?;
    let key = key.map(|key| Ok::<_, Problem>(key.used_by(KEYS, &first, &call()?))).transpose()?;
    let now = state.clock.now();
    let record = Record::new(new_id(), topic, first, second, now);
    let (status, record) = unless_crossed(ATTEMPTS, || begin_once(&state, &record, key.as_ref())).await?;
    let location = format!("/v1/mediations/{}", record.id);
    let view = MediationView::of(&record, Side::First, now);
    Ok((status, [(LOCATION, location)], Json(view)).into_response())
}

async fn begin_once(state: &AppState, record: &Record, key: Option<&KeyUse>) -> Result<(StatusCode, Record), Problem> {
    let backbone = &*state.backbone;
    let (first, second) = (&record.first.principal, &record.second.principal);
    if let Some(key) = key
        && let Some(before) = key.before(backbone).await?
    {
        let kept = Kept::read(backbone, &before).await?.filter(|before| !before.record.first.has_left);
        return kept.map(|before| (StatusCode::OK, before.record)).ok_or(Problem::IdempotencyKeyReused);
    }
    let (own, theirs) = (Listed::of(backbone, first).await?, Listed::of(backbone, second).await?);
    let now = record.created_at;
    own.may_begin(now)?;
    theirs.may_be_drawn_in()?;
    let lists = [own.with_begun(&record.id, now)?, theirs.with(&record.id, now)?].into_iter().flatten();
    let key = key.map(|key| key.put(record.id.clone(), now)).transpose()?;
    begun(backbone, record, lists.chain(key).collect()).await?;
    Ok((StatusCode::CREATED, record.clone()))
}

impl MediationBody {
    fn checked(self, first: &Principal) -> Result<(String, Principal), Problem> {
        let topic = said("topic", &self.topic, LONGEST_TOPIC);
        let WithBody { issuer, subject } = self.with;
        let mut errors: Vec<_> = topic.as_ref().err().cloned().into_iter().collect();
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
        match topic {
            Ok(topic) if errors.is_empty() => Ok((topic, second)),
            _ => Err(errors.into()),
        }
    }
}
