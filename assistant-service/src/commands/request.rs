//! `POST /v1/commands`: asks for a call of a runbook.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::book::{Commands, MAX_OPEN, MAX_OPEN_OF_ONE};
use super::command::Command;
use super::record::{Call, Record};
use super::state::Step;
use super::{check_length, check_value};
use crate::gate::Caller;
use crate::json_body::JsonBody;
use crate::problem::{Problem, ProblemDocument};
use crate::runbooks::Right;
use crate::state::AppState;

const MAX_REASON_BYTES: usize = 2000;
const MAX_PARAMETERS_BYTES: usize = 64 * 1024;

/// What is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandRequest {
    /// A runbook of the catalogue.
    runbook: String,
    /// What to call it with, up to 64 KiB of JSON in 32 levels; without it nothing.
    #[schema(value_type = Object)]
    #[serde(default = "no_parameters")]
    parameters: Value,
    /// Why, for whoever approves it.
    #[serde(default)]
    reason: String,
}

fn no_parameters() -> Value {
    json!({})
}

/// Asks for a command. It waits for an approval where its runbook says so, else for its service.
#[utoipa::path(post, path = "/v1/commands", tag = "commands", request_body = CommandRequest,
    responses(
        (status = CREATED, description = "Asked for", body = Command, headers(("Location", description = "The command"))),
        (status = BAD_REQUEST, description = "No such runbook, or its parameters are wrong", body = ProblemDocument),
        (status = FORBIDDEN, description = "The rights of the runbooks do not let the caller run it", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "Too many commands are open, of all or of the caller", body = ProblemDocument)))]
pub(crate) async fn request(
    state: axum::extract::State<AppState>,
    caller: Caller,
    JsonBody(request): JsonBody<CommandRequest>,
) -> Result<Response, Problem> {
    let State(state) = state;
    let command = state.commands.request(&caller, request).await?;
    let location = format!("/v1/commands/{}", command.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(command)).into_response())
}

impl Commands {
    async fn request(&self, caller: &Caller, request: CommandRequest) -> Result<Command, Problem> {
        let requested_by = caller.require_principal()?.clone();
        let CommandRequest { runbook, parameters, reason } = request;
        check_length("reason", Some(&reason), MAX_REASON_BYTES).map_err(|error| vec![error])?;
        check_value("parameters", &parameters, MAX_PARAMETERS_BYTES).map_err(|error| vec![error])?;
        let runbook = self
            .runbooks
            .get(&runbook)
            .ok_or_else(|| Problem::invalid("runbook", "there is no runbook of this name; /v1/runbooks lists them"))?;
        self.permit(caller, Right::Run, &runbook)?;
        runbook.check_parameters(&parameters)?;
        let target = runbook.target.resolve(&parameters);
        let target = target.ok_or_else(|| Problem::mistake("a runbook's target is in no parameter"))?;
        let open = self.open().await?;
        if open.len() >= MAX_OPEN {
            return Err(Problem::TooManyOpenCommands);
        }
        let own = open.iter().filter(|kept| kept.record.command.requested_by == requested_by).count();
        if own >= MAX_OPEN_OF_ONE {
            return Err(Problem::TooManyOwnCommands);
        }
        let id = uuid::Uuid::now_v7().to_string();
        let call = Call { target, parameters, reason, dry_run: false };
        let record = Record::new(id, &runbook, call, requested_by, self.now());
        let first = if record.command.approval.needed { Step::AskForApproval } else { Step::Schedule };
        Ok(self.begin(record, first, caller).await?.record.command)
    }
}
