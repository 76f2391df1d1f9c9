//! What a service says while it carries a command out: signs of life, and how it ended.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::book::{Commands, Kept};
use super::check_length;
use super::command::{Command, Ending, Outcome, Progress};
use super::state::{State as CommandState, Step};
use crate::gate::Caller;
use crate::json_body::JsonBody;
use crate::parameters::PathName;
use crate::problem::{FieldError, Problem, ProblemDocument};
use crate::state::AppState;

const MAX_LINE_BYTES: usize = 1000;
const MAX_MESSAGE_BYTES: usize = 4000;
const MAX_RESULT_BYTES: usize = 64 * 1024;

/// A sign of life.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Heartbeat {
    /// The fence of the lease.
    fence: u64,
    /// How far it is.
    #[serde(default)]
    progress: Option<Progress>,
}

/// That the command is still the caller's.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Extended {
    state: CommandState,
    /// When the lease is lost without another heartbeat.
    #[serde(with = "time::serde::rfc3339")]
    lease_expires_at: OffsetDateTime,
}

/// How it ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResultReport {
    /// The fence of the lease.
    fence: u64,
    /// Done or not.
    outcome: Ending,
    /// What came of it, up to 64 KiB of JSON.
    #[schema(value_type = Object)]
    #[serde(default)]
    result: Value,
    /// The same for people.
    #[serde(default)]
    message: Option<String>,
}

/// Extends the caller's lease; the first one says that the command has begun.
#[utoipa::path(post, path = "/v1/commands/{id}/heartbeat", tag = "services", request_body = Heartbeat,
    params(("id" = String, Path, description = "The command")),
    responses(
        (status = OK, description = "The command is still the caller's", body = Extended),
        (status = FORBIDDEN, description = "The command is another service's", body = ProblemDocument),
        (status = NOT_FOUND, description = "No such command", body = ProblemDocument),
        (status = CONFLICT, description = "The lease is lost: stop", body = ProblemDocument)))]
pub(crate) async fn heartbeat(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(heartbeat): JsonBody<Heartbeat>,
) -> Result<Json<Extended>, Problem> {
    Ok(Json(state.commands.extend(&caller, &id, heartbeat).await?))
}

/// Reports how a command ended. Reporting the same once more is answered in the same way.
#[utoipa::path(post, path = "/v1/commands/{id}/result", tag = "services", request_body = ResultReport,
    params(("id" = String, Path, description = "The command")),
    responses(
        (status = OK, description = "Kept", body = Command),
        (status = FORBIDDEN, description = "The command is another service's", body = ProblemDocument),
        (status = NOT_FOUND, description = "No such command", body = ProblemDocument),
        (status = CONFLICT, description = "The lease was lost before", body = ProblemDocument)))]
pub(crate) async fn result(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(report): JsonBody<ResultReport>,
) -> Result<Json<Command>, Problem> {
    Ok(Json(state.commands.finish(&caller, &id, report).await?))
}

impl Commands {
    async fn extend(&self, caller: &Caller, id: &str, heartbeat: Heartbeat) -> Result<Extended, Problem> {
        check_progress(heartbeat.progress.as_ref())?;
        let mut kept = self.find_held(caller, id, heartbeat.fence).await?;
        if heartbeat.progress.is_some() {
            kept.record.command.progress = heartbeat.progress;
        }
        let steps = if kept.record.command.state == CommandState::Running {
            kept.record.extend_lease(self.now());
            Vec::new()
        } else {
            vec![Step::Start]
        };
        let kept = self.advance(kept, steps, Some(caller)).await?;
        let lease = kept.record.command.lease.ok_or(Problem::Internal)?;
        Ok(Extended { state: kept.record.command.state, lease_expires_at: lease.expires_at })
    }

    async fn finish(&self, caller: &Caller, id: &str, report: ResultReport) -> Result<Command, Problem> {
        let ResultReport { fence, outcome, result, message } = report;
        check_length("message", message.as_deref(), MAX_MESSAGE_BYTES).map_err(|error| vec![error])?;
        check_length("result", Some(&result.to_string()), MAX_RESULT_BYTES).map_err(|error| vec![error])?;
        let kept = self.find_held(caller, id, fence).await?;
        let outcome = Outcome { outcome, result, message };
        if kept.record.command.result.as_ref() == Some(&outcome) {
            return Ok(kept.record.command);
        }
        // Whoever reports the end without a heartbeat before has begun all the same.
        let begins = (kept.record.command.state == CommandState::Leased).then_some(Step::Start);
        let ends = match outcome.outcome {
            Ending::Succeeded => Step::Succeed(outcome),
            Ending::Failed => Step::Fail(outcome),
        };
        let kept = self.advance(kept, begins.into_iter().chain([ends]).collect(), Some(caller)).await?;
        Ok(kept.record.command)
    }

    /// A command whose last lease was given to the caller with this fence.
    async fn find_held(&self, caller: &Caller, id: &str, fence: u64) -> Result<Kept, Problem> {
        let principal = caller.require_principal()?;
        let kept = self.find(id).await?;
        if kept.record.command.target.service != principal.subject() {
            return Err(Problem::NotTheService);
        }
        if kept.record.fence() != fence {
            return Err(Problem::StaleFence);
        }
        // The same name from another issuer is somebody else.
        if kept.record.holder.as_ref() == Some(principal) { Ok(kept) } else { Err(Problem::NotTheService) }
    }
}

fn check_progress(progress: Option<&Progress>) -> Result<(), Problem> {
    let Some(progress) = progress else { return Ok(()) };
    let mut errors = Vec::new();
    errors.extend(check_length("progress.line", progress.line.as_deref(), MAX_LINE_BYTES).err());
    if progress.percent.is_some_and(|percent| percent > 100) {
        errors.push(FieldError::new("progress.percent", "must be a number from 0 to 100"));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors.into()) }
}
