//! Looking at dead letters.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::letter::{Body, Letter, Summary};
use super::{DeadLetters, INDEX};
use crate::backbone::BackboneError;
use crate::events::binding::Mode;
use crate::events::intake::Reason;
use crate::gate::Caller;
use crate::parameters::{PathName, QueryOf};
use crate::problem::{FieldError, Problem, ProblemDocument};
use crate::state::AppState;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

const PAGE: u32 = 500;

/// How many pages are looked through for one list, however few letters match.
const PAGES: usize = 4;

/// Which dead letters are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// Sent by this principal, as a URI.
    principal: Option<String>,
    /// Of this event type.
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// Older than the dead letter with this id.
    before: Option<String>,
    /// At most so many; 1 to 1000, without it 100.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
}

/// Some of the dead letters, new ones first. A page may hold fewer than asked for, even none, and not be the last.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct DeadLetterPage {
    dead_letters: Vec<Summary>,
    /// What to give as `before` for the next page; null when there is none.
    next_before: Option<String>,
}

/// A dead letter.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetter {
    id: String,
    reason: Reason,
    /// What is wrong with it.
    errors: Vec<FieldError>,
    /// Who sent it, as a URI.
    principal: String,
    authtype: String,
    #[serde(with = "time::serde::rfc3339")]
    arrived_at: OffsetDateTime,
    mode: Mode,
    content_type: Option<String>,
    /// The `ce-` headers, in binary mode.
    headers: BTreeMap<String, String>,
    event_id: Option<String>,
    source: Option<String>,
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// The body, where it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// The body in base64, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    /// Whether the body had more than is kept.
    body_is_cut: bool,
}

/// Dead letters, new ones first.
#[utoipa::path(get, path = "/v1/dead-letters", tag = "events", params(Parameters),
    responses(
        (status = OK, description = "A page", body = DeadLetterPage),
        (status = BAD_REQUEST, description = "A parameter is wrong", body = ProblemDocument)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    QueryOf(parameters): QueryOf<Parameters>,
) -> Result<Json<DeadLetterPage>, Problem> {
    caller.require_principal()?;
    let limit = match parameters.limit.as_deref().map(str::parse) {
        None => DEFAULT_LIMIT,
        Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
        Some(_) => return Err(Problem::invalid("limit", format!("must be a number from 1 to {MAX_LIMIT}"))),
    };
    Ok(Json(state.dead_letters.list(&parameters, limit).await?))
}

/// One dead letter, whole.
#[utoipa::path(get, path = "/v1/dead-letters/{id}", tag = "events",
    params(("id" = String, Path, description = "The dead letter")),
    responses(
        (status = OK, description = "The dead letter", body = DeadLetter),
        (status = NOT_FOUND, description = "No such dead letter, or no longer", body = ProblemDocument)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<Json<DeadLetter>, Problem> {
    caller.require_principal()?;
    Ok(Json(DeadLetter::from(state.dead_letters.find(&id).await?.letter)))
}

impl DeadLetters {
    async fn list(&self, parameters: &Parameters, limit: usize) -> Result<DeadLetterPage, BackboneError> {
        let matches = |summary: &Summary| {
            parameters.principal.as_ref().is_none_or(|principal| summary.principal == *principal)
                && parameters.event_type.as_ref().is_none_or(|wanted| summary.event_type.as_ref() == Some(wanted))
        };
        let mut page = DeadLetterPage { next_before: parameters.before.clone(), ..DeadLetterPage::default() };
        for _ in 0..PAGES {
            let entries = self.backbone.list(INDEX, page.next_before.take(), PAGE).await?;
            if entries.is_empty() {
                return Ok(page);
            }
            for entry in entries {
                if page.dead_letters.len() == limit {
                    return Ok(page);
                }
                let summary = serde_json::from_slice::<Summary>(&entry.value).ok().filter(&matches);
                page.dead_letters.extend(summary);
                page.next_before = Some(entry.key);
            }
        }
        Ok(page)
    }
}

impl From<Letter> for DeadLetter {
    fn from(letter: Letter) -> Self {
        let (body, body_base64) = match letter.body {
            Body::Text(text) => (Some(text), None),
            Body::Base64(text) => (None, Some(text)),
        };
        Self {
            id: letter.id,
            reason: letter.reason,
            errors: letter.errors,
            principal: letter.submission.principal.uri(),
            authtype: letter.submission.auth_type,
            arrived_at: letter.submission.arrived_at,
            mode: letter.mode,
            content_type: letter.content_type,
            headers: letter.headers,
            event_id: letter.event_id,
            source: letter.source,
            event_type: letter.event_type,
            body,
            body_base64,
            body_is_cut: letter.is_cut,
        }
    }
}
