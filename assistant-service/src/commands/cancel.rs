//! `POST /v1/commands/{id}/cancel`: calling a command off, or asking whoever carries it out to stop.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::book::Commands;
use super::check_length;
use super::command::Command;
use super::crossing::unless_crossed;
use super::state::Step;
use crate::gate::Caller;
use crate::json_body::JsonBody;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

const MAX_REASON_BYTES: usize = 2000;

/// Its holder gives signs of life meanwhile, each a change; ten in a row that cross are a mistake somewhere.
const ATTEMPTS: usize = 10;

/// Why it is called off.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelRequest {
    /// For whoever asked for it and whoever carries it out.
    #[serde(default)]
    reason: Option<String>,
}

/// Calls a command off that has not begun. One that is carried out is asked to stop: its service hears of it with the next
/// sign of life, undoes what it can and reports that it was canceled. Asking once more changes nothing.
#[utoipa::path(post, path = "/v1/commands/{id}/cancel", tag = "commands", request_body = Option<CancelRequest>,
    params(("id" = String, Path, description = "The command")),
    responses(
        (status = OK, description = "Called off", body = Command),
        (status = ACCEPTED, description = "Asked to stop", body = Command),
        (status = FORBIDDEN, description = "The caller did not ask for it, and has not the right to", body = ProblemDocument),
        (status = NOT_FOUND, description = "No such command", body = ProblemDocument),
        (status = CONFLICT, description = "It has ended, or is being undone already", body = ProblemDocument)))]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    request: Option<JsonBody<CancelRequest>>,
) -> Result<(StatusCode, Json<Command>), Problem> {
    let CancelRequest { reason } = request.map(|JsonBody(request)| request).unwrap_or_default();
    check_length("reason", reason.as_deref(), MAX_REASON_BYTES).map_err(|error| vec![error])?;
    let command = state.commands.cancel(&caller, &id, reason.as_deref()).await?;
    let status = if command.state.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(command)))
}

impl Commands {
    async fn cancel(&self, caller: &Caller, id: &str, reason: Option<&str>) -> Result<Command, Problem> {
        unless_crossed(ATTEMPTS, || self.cancel_once(caller, id, reason)).await
    }

    async fn cancel_once(&self, caller: &Caller, id: &str, reason: Option<&str>) -> Result<Command, Problem> {
        let by = caller.require_principal()?;
        let mut kept = self.find(id).await?;
        self.permit_to_cancel(caller, &kept.record)?;
        let command = &mut kept.record.command;
        let step = match (command.state.is_under_way(), &command.stop_asked_by) {
            (true, Some(_)) => return Ok(kept.record.command),
            (true, None) => Step::AskToStop { by: by.clone() },
            (false, _) => Step::Cancel,
        };
        command.cancel_reason = reason.map(str::to_owned);
        Ok(self.advance(kept, vec![step], Some(caller)).await?.record.command)
    }
}
