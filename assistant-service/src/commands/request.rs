//! `POST /v1/commands`: asks for a call of a runbook.

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::ask::{Answered, Asked, Keyed};
use super::command::Command;
use super::idempotency::IdempotencyKey;
use crate::gate::Caller;
use crate::json_body::JsonBody;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// What is asked for. Without `Debug`, since parameters may be secret.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandRequest {
    /// A runbook of the catalogue.
    runbook: String,
    /// What to call it with, up to 64 KiB of JSON in 32 levels; without it nothing but the defaults.
    #[schema(value_type = Object)]
    #[serde(default = "no_parameters")]
    parameters: Value,
    /// Why, for whoever approves it.
    #[serde(default)]
    reason: String,
    /// Whether it is only to say what it would do, which needs no approval. Not every runbook can.
    #[serde(default)]
    dry_run: bool,
}

fn no_parameters() -> Value {
    json!({})
}

/// Asks for a command. It waits for an approval where its runbook says so, else for its service.
///
/// With an `Idempotency-Key` the same request may be sent again for a day without a second command coming of it.
#[utoipa::path(post, path = "/v1/commands", tag = "commands", request_body = CommandRequest,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "1 to 255 visible characters of ASCII, in quotes or without; each caller has keys of their own")),
    responses(
        (status = CREATED, description = "Asked for", body = Command, headers(("Location", description = "The command"))),
        (status = OK, description = "Asked for before, under the same key", body = Command,
            headers(("Location", description = "The command"))),
        (status = BAD_REQUEST, description = "No such runbook, its parameters are wrong, or it has no dry run", body = ProblemDocument),
        (status = FORBIDDEN, description = "The rights of the runbooks do not let the caller run it", body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "The key was used for another call", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "Too many commands are open, of all or of the caller", body = ProblemDocument)))]
pub(crate) async fn request(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(request): JsonBody<CommandRequest>,
) -> Result<Response, Problem> {
    let keyed = match IdempotencyKey::of(&headers)? {
        Some(key) => Some(Keyed { key, request: canonical(&request)? }),
        None => None,
    };
    let CommandRequest { runbook, parameters, reason, dry_run } = request;
    let asked = Asked { runbook, parameters, reason, dry_run, replays: None, secret: Vec::new() };
    Ok(state.commands.ask(&caller, asked, keyed).await?.into_response())
}

/// The same text for the same request, however it was written.
pub(super) fn canonical(request: &impl Serialize) -> Result<Vec<u8>, Problem> {
    let mut request = serde_json::to_value(request).map_err(Problem::internal)?;
    request.sort_all_objects();
    serde_json::to_vec(&request).map_err(Problem::internal)
}

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        let (status, command) = match self {
            Self::Anew(command) => (StatusCode::CREATED, command),
            Self::Before(command) => (StatusCode::OK, command),
        };
        let location = format!("/v1/commands/{}", command.id);
        (status, [(LOCATION, location)], Json(command)).into_response()
    }
}
