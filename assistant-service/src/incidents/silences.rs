//! Silences over HTTP.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use diagnosis::batch::{MOST_NAME_BYTES, MOST_TRAITS};
use diagnosis::silence::Silence;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::silence::{self, Silenced};
use crate::JsonBody;
use crate::clock::{millis, time_of};
use crate::gate::Caller;
use crate::parameters::PathName;
use crate::problem::{FieldError, Problem, ProblemDocument};
use crate::state::AppState;

const LONGEST: time::Duration = time::Duration::days(30);
const LONGEST_REASON: usize = 500;

/// What is to be silenced, when, and why. What is left out matches all; at least one of the first five is there.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SilenceBody {
    /// A device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    /// What it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    build: Option<String>,
    /// Where in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scene: Option<String>,
    /// What is measured; `samples` is that nothing comes from a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metric: Option<String>,
    /// Traits that a device must have, all of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    traits: BTreeMap<String, String>,
    /// The first moment of the window; without it now.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    from: Option<OffsetDateTime>,
    /// The first moment after it, within 30 days.
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
    /// Why, for whoever misses an incident; 1 to 500 characters.
    reason: String,
}

/// A silence, and who made it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SilenceView {
    id: String,
    #[serde(flatten)]
    silence: SilenceBody,
    /// The principal's URI.
    created_by: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

/// All silences that are not over.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Silences {
    /// Oldest first.
    silences: Vec<SilenceView>,
}

/// Silences alarms: those of the window make no incident, and an incident that is open stays. An event says by whom and why.
#[utoipa::path(post, path = "/v1/silences", tag = "incidents", request_body = SilenceBody,
    responses(
        (status = CREATED, description = "It holds as soon as the log has been judged up to here", body = SilenceView),
        (status = BAD_REQUEST, description = "Something of it cannot be", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "As many are kept as are kept at once", body = ProblemDocument),
        (status = SERVICE_UNAVAILABLE, description = "Too many were made at the same time", body = ProblemDocument)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<SilenceBody>,
) -> Result<(StatusCode, Json<SilenceView>), Problem> {
    let now = state.clock.now();
    let created_by = caller.require_principal()?.uri();
    let (silence, reason) = body.checked(now)?;
    let id = uuid::Uuid::now_v7().to_string();
    let silenced = Silenced { id, silence, reason, created_by, created_at: millis(now) };
    silence::add(&*state.backbone, &silenced, &caller).await?;
    Ok((StatusCode::CREATED, Json(SilenceView::of(silenced))))
}

/// All silences that are not over, those to come among them.
#[utoipa::path(get, path = "/v1/silences", tag = "incidents",
    responses((status = OK, description = "Silences, oldest first", body = Silences)))]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Silences>, Problem> {
    caller.require_principal()?;
    let all = silence::all(&*state.backbone).await?;
    Ok(Json(Silences { silences: all.into_iter().map(SilenceView::of).collect() }))
}

/// Ends a silence before its time.
#[utoipa::path(delete, path = "/v1/silences/{id}", tag = "incidents",
    params(("id" = String, Path, description = "The silence")),
    responses(
        (status = NO_CONTENT, description = "It is gone"),
        (status = NOT_FOUND, description = "No such silence, or it is over", body = ProblemDocument)))]
pub(crate) async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<StatusCode, Problem> {
    caller.require_principal()?;
    silence::remove(&*state.backbone, &id, &caller, state.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl SilenceBody {
    fn checked(self, now: OffsetDateTime) -> Result<(Silence, String), Problem> {
        let from = self.from.unwrap_or(now);
        let mut errors = Vec::new();
        let is_name = |name: &str| (1..=MOST_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
        let named =
            [("device", &self.device), ("build", &self.build), ("scene", &self.scene), ("metric", &self.metric)];
        for (field, name) in named {
            if name.as_ref().is_some_and(|name| !is_name(name)) {
                errors.push(FieldError::new(
                    field,
                    format!("must have 1 to {MOST_NAME_BYTES} bytes, and no control characters"),
                ));
            }
        }
        if self.traits.len() > MOST_TRAITS || !self.traits.iter().all(|(name, value)| is_name(name) && is_name(value)) {
            errors.push(FieldError::new("traits", format!("may be {MOST_TRAITS}, each with a name and a value")));
        }
        if self.until <= now || self.until <= from || self.until > now.saturating_add(LONGEST) {
            errors.push(FieldError::new("until", "must be in the future, after `from`, and within 30 days"));
        }
        if self.reason.trim().is_empty() || self.reason.chars().count() > LONGEST_REASON {
            errors.push(FieldError::new("reason", format!("must have 1 to {LONGEST_REASON} characters")));
        }
        let Self { device, build, scene, metric, traits, until, reason, .. } = self;
        let silence = Silence { device, build, scene, metric, traits, from: millis(from), until: millis(until) };
        if silence::matchers(&silence) == 0 {
            let what = "one of device, build, scene, metric and traits is required: this would silence everything";
            errors.push(FieldError::new("device", what));
        }
        if errors.is_empty() { Ok((silence, reason)) } else { Err(errors.into()) }
    }
}

impl SilenceView {
    fn of(silenced: Silenced) -> Self {
        let Silenced { id, silence, reason, created_by, created_at } = silenced;
        let Silence { device, build, scene, metric, traits, from, until } = silence;
        let (from, until) = (Some(time_of(from)), time_of(until));
        let silence = SilenceBody { device, build, scene, metric, traits, from, until, reason };
        Self { id, silence, created_by, created_at: time_of(created_at) }
    }
}
