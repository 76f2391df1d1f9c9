//! `POST /v1/commands/{id}/replay`: calls once more what did not come to a good end.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Answered, Asked, Keyed};
use super::book::Commands;
use super::command::Command;
use super::idempotency::IdempotencyKey;
use super::request::canonical;
use super::state::State as CommandState;
use crate::gate::Caller;
use crate::json_body::JsonBody;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// Why it is called once more.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayRequest {
    /// For whoever approves it. What was said the first time was somebody else's reason, and stands in the first command.
    #[serde(default)]
    reason: Option<String>,
}

/// Calls a command once more that failed, took too long, was abandoned, expired or was called off: as a new command of the
/// caller, by the runbook as it stands now and with the same parameters, secret ones included, which the caller does not see.
/// It needs whatever approval the runbook asks for now.
#[utoipa::path(post, path = "/v1/commands/{id}/replay", tag = "commands", request_body = Option<ReplayRequest>,
    params(
        ("id" = String, Path, description = "The command"),
        ("Idempotency-Key" = Option<String>, Header, description = "As where a command is asked for")),
    responses(
        (status = CREATED, description = "Asked for; `replays` is the first one's id", body = Command,
            headers(("Location", description = "The new command"))),
        (status = OK, description = "Asked for before, under the same key", body = Command,
            headers(("Location", description = "The new command"))),
        (status = BAD_REQUEST, description = "The runbook is gone, or takes other parameters by now", body = ProblemDocument),
        (status = FORBIDDEN, description = "The caller has not the right to run its runbook", body = ProblemDocument),
        (status = NOT_FOUND, description = "No such command", body = ProblemDocument),
        (status = CONFLICT, description = "It has not ended so", body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "The key was used for another call", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "Too many commands are open, of all or of the caller", body = ProblemDocument)))]
pub(crate) async fn replay(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    headers: HeaderMap,
    request: Option<JsonBody<ReplayRequest>>,
) -> Result<Response, Problem> {
    let request = request.map(|JsonBody(request)| request).unwrap_or_default();
    let keyed = match IdempotencyKey::of(&headers)? {
        Some(key) => Some(Keyed { key, request: canonical(&(&id, &request))? }),
        None => None,
    };
    Ok(state.commands.replay(&caller, &id, request, keyed).await?.into_response())
}

impl Commands {
    async fn replay(
        &self,
        caller: &Caller,
        id: &str,
        request: ReplayRequest,
        keyed: Option<Keyed>,
    ) -> Result<Answered, Problem> {
        caller.require_principal()?;
        let record = self.find(id).await?.record;
        if !may_be_replayed(record.command.state) {
            return Err(Problem::WrongState(record.command.state));
        }
        let parameters = record.call_parameters();
        // What was secret stays so, even where the runbook does not say so any more: the caller must not see it.
        let secret = record.secret_names();
        let Command { id, runbook, dry_run, .. } = record.command;
        let reason = request.reason.unwrap_or_default();
        self.ask(caller, Asked { runbook, parameters, reason, dry_run, replays: Some(id), secret }, keyed).await
    }
}

/// What did not come to a good end. Of what was decided against, a replay would be a way around the decision.
fn may_be_replayed(state: CommandState) -> bool {
    state.is_dead() || state == CommandState::Canceled
}
