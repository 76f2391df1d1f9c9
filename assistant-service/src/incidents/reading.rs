//! Looking at incidents.

use axum::Json;
use axum::extract::State;
use diagnosis::incident::{Incident, IncidentState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::interrupted::Interrupted;
use super::record::{Found, LISTED, Listed, Record};
use crate::backbone::Position;
use crate::gate::Caller;
use crate::parameters::{PathName, QueryOf};
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 200;

/// Entries of one look through the list.
const LOOK: u32 = 200;

/// Looks that one request takes at most: what does not match is looked at too.
const MOST_LOOKS: usize = 10;

/// Which incidents are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// In this state.
    state: Option<StateParameter>,
    /// On this device, among others.
    device: Option<String>,
    /// What `next_before` of the page before says.
    before: Option<String>,
    /// At most so many; 1 to 200, without it 100.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// Whether it goes on.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateParameter {
    /// It goes on.
    Open,
    /// The data say that it is over.
    Resolved,
}

/// Some of the incidents, new ones first. A page may hold fewer than asked for, even none, and not be the last.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentPage {
    incidents: Vec<IncidentView>,
    /// What to give as `before` for the next page; null when there is none.
    next_before: Option<String>,
}

/// What is shown of an incident: one cause, on however many devices and metrics it shows. Times are milliseconds since 1970.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentView {
    #[serde(flatten)]
    #[schema(value_type = Object)]
    incident: Incident,
    /// Where in the log events stand whose samples made it what it is: the first ten and the newest ten.
    evidence: Vec<Position>,
    /// Runbooks that say of themselves that they are worth a look at it.
    suggested: Vec<String>,
}

/// Incidents, new ones first.
#[utoipa::path(get, path = "/v1/incidents", tag = "incidents", params(Parameters),
    responses(
        (status = OK, description = "A page", body = IncidentPage),
        (status = BAD_REQUEST, description = "A parameter is wrong", body = ProblemDocument)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    QueryOf(parameters): QueryOf<Parameters>,
) -> Result<Json<IncidentPage>, Problem> {
    caller.require_principal()?;
    let limit = parameters.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::invalid("limit", format!("must be a number from 1 to {MAX_LIMIT}")));
    }
    Ok(Json(page(&state, &parameters, limit).await?))
}

/// One incident, with what moved, on which devices, and the events that show it.
#[utoipa::path(get, path = "/v1/incidents/{id}", tag = "incidents",
    params(("id" = String, Path, description = "The incident")),
    responses(
        (status = OK, description = "The incident", body = IncidentView),
        (status = NOT_FOUND, description = "No such incident, or it was resolved 90 days ago", body = ProblemDocument)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<Json<IncidentView>, Problem> {
    caller.require_principal()?;
    Ok(Json(IncidentView::of(find(&state, &id).await?)))
}

/// An incident that is kept.
pub(super) async fn find(state: &AppState, id: &str) -> Result<Record, Problem> {
    Ok(Found::read(&*state.backbone, id).await?.ok_or(Problem::NotFound)?.record)
}

async fn page(state: &AppState, parameters: &Parameters, limit: usize) -> Result<IncidentPage, Problem> {
    let (mut incidents, mut before) = (Vec::new(), parameters.before.clone());
    for _ in 0..MOST_LOOKS {
        let entries = state.backbone.list(LISTED, before.clone(), LOOK).await?;
        let is_last = entries.len() < usize::try_from(LOOK).unwrap_or(usize::MAX);
        for entry in entries {
            before = Some(entry.key);
            let listed: Listed = serde_json::from_slice(&entry.value).map_err(Problem::internal)?;
            // One that expires in between is no more there.
            if parameters.match_listed(&listed)
                && let Some(found) = Found::read(&*state.backbone, &listed.incident).await?
            {
                incidents.push(IncidentView::of(found.record));
                if incidents.len() >= limit {
                    return Ok(IncidentPage { incidents, next_before: before });
                }
            }
        }
        if is_last {
            return Ok(IncidentPage { incidents, next_before: None });
        }
    }
    Ok(IncidentPage { incidents, next_before: before })
}

impl Parameters {
    fn match_listed(&self, listed: &Listed) -> bool {
        let is_state = match self.state {
            Some(StateParameter::Open) => listed.state == IncidentState::Open,
            Some(StateParameter::Resolved) => listed.state == IncidentState::Resolved,
            None => true,
        };
        is_state && self.device.as_ref().is_none_or(|device| listed.devices.contains(device))
    }
}

impl IncidentView {
    fn of(record: Record) -> Self {
        let Record { incident, evidence, suggested, .. } = record;
        Self { incident, evidence, suggested: suggested.into_iter().collect() }
    }
}

impl From<Interrupted> for Problem {
    fn from(interrupted: Interrupted) -> Self {
        match interrupted {
            Interrupted::Store(error) => error.into(),
            other => Self::internal(other),
        }
    }
}
