//! What a service says while it carries a command out: signs of life, and how it ended.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::book::Commands;
use super::command::{Command, Ending, Outcome, Progress};
use super::record::Record;
use super::secrets::masked_progress;
use super::state::{State as CommandState, Step};
use super::{check_length, check_value};
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
    /// What it does by now, beside carrying the command out.
    #[serde(default)]
    phase: Option<Phase>,
}

/// What follows the carrying out. Each begins once, with the first heartbeat that says so, and has the runbook's timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// It finds out whether what was done holds.
    Verifying,
    /// It undoes what was done.
    RollingBack,
}

/// That the command is still the caller's.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Extended {
    state: CommandState,
    /// When the lease is lost without another heartbeat.
    #[serde(with = "time::serde::rfc3339")]
    lease_expires_at: OffsetDateTime,
    /// Somebody asked that it be stopped: the holder stops, undoes what it can, and reports `canceled`.
    stop: bool,
}

/// How it ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResultReport {
    /// The fence of the lease.
    fence: u64,
    /// Done or not.
    outcome: Ending,
    /// What came of it, up to 64 KiB of JSON in 32 levels.
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
        (status = CONFLICT, description = "The lease is lost, stop; or, of type changed-meanwhile, send it again", body = ProblemDocument)))]
pub(crate) async fn heartbeat(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(heartbeat): JsonBody<Heartbeat>,
) -> Result<Json<Extended>, Problem> {
    Ok(Json(state.commands.extend(&caller, &id, heartbeat).await?))
}

/// Reports how a command ended. Reporting the same once more is answered in the same way. A report after the lease's end
/// counts if the command has not been ended because of it, which happens within a second; one that comes later is refused,
/// and the first of each lease is kept as an event (`dev.watchgate.command.late_result`). `canceled` without anybody having asked
/// for a stop counts as `failed`.
#[utoipa::path(post, path = "/v1/commands/{id}/result", tag = "services", request_body = ResultReport,
    params(("id" = String, Path, description = "The command")),
    responses(
        (status = OK, description = "Kept", body = Command),
        (status = FORBIDDEN, description = "The command is another service's", body = ProblemDocument),
        (status = NOT_FOUND, description = "No such command", body = ProblemDocument),
        (status = CONFLICT, description = "The lease was lost before; or, of type changed-meanwhile, send it again", body = ProblemDocument)))]
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
        let Heartbeat { fence, progress, phase } = heartbeat;
        check_progress(progress.as_ref())?;
        let extended = self.change_held(caller, id, fence, |record| {
            let steps = record.hear_from_holder(phase, self.now())?;
            if let Some(progress) = &progress {
                record.command.progress = Some(masked_progress(progress, &record.secret_texts()));
            }
            Ok(Some(steps))
        });
        let command = extended.await?.record.command;
        let lease = command.lease.ok_or_else(|| Problem::mistake("a command that is carried out has no lease"))?;
        let stop = command.stop_asked_by.is_some();
        Ok(Extended { state: command.state, lease_expires_at: lease.expires_at, stop })
    }

    async fn finish(&self, caller: &Caller, id: &str, report: ResultReport) -> Result<Command, Problem> {
        let ResultReport { fence, outcome, result, message } = report;
        check_length("message", message.as_deref(), MAX_MESSAGE_BYTES).map_err(|error| vec![error])?;
        check_value("result", &result, MAX_RESULT_BYTES).map_err(|error| vec![error])?;
        let reported = Outcome { outcome, result, message };
        let finished = self.change_held(caller, id, fence, |record| {
            let outcome = record.taken(record.masked(&reported));
            let is_known = record.command.result.as_ref() == Some(&outcome) || record.has_ended_with(&reported);
            if is_known || record.has_heard_failure(fence, &outcome) {
                return Ok(None);
            }
            // Whoever reports the end without a heartbeat before has begun all the same.
            let begins = (record.command.state == CommandState::Leased).then_some(Step::Start);
            let ends = match outcome.outcome {
                Ending::Succeeded => Step::Succeed(outcome.clone()),
                Ending::Failed => Step::Fail(outcome.clone()),
                Ending::Canceled => Step::Stop(outcome.clone()),
            };
            let ends = record.or_again(ends, self.now());
            Ok(Some(begins.into_iter().chain([ends]).collect()))
        });
        match finished.await {
            Err(refused @ (Problem::StaleFence | Problem::WrongState(_))) => {
                self.heard_or_late(caller, id, fence, &reported).await?.ok_or(refused)
            }
            finished => Ok(finished?.record.command),
        }
    }
}

impl Record {
    /// What a report comes to. Whoever stops although nobody asked for it has failed: that is tried again, or is a dead letter.
    fn taken(&self, outcome: Outcome) -> Outcome {
        if outcome.outcome == Ending::Canceled && self.command.stop_asked_by.is_none() {
            return Outcome { outcome: Ending::Failed, ..outcome };
        }
        outcome
    }

    /// A sign of life: the steps that it means, the first of all being the start. What has ended hears nothing more.
    pub(super) fn hear_from_holder(&mut self, phase: Option<Phase>, now: OffsetDateTime) -> Result<Vec<Step>, Problem> {
        let state = self.command.state;
        let begins = match state {
            CommandState::Leased => Some(Step::Start),
            CommandState::Running | CommandState::Verifying | CommandState::RollingBack => None,
            _ => return Err(Problem::WrongState(state)),
        };
        let then = match (phase, state) {
            (Some(Phase::Verifying), CommandState::Leased | CommandState::Running) => Some(Step::Verify),
            (Some(Phase::RollingBack), CommandState::RollingBack) => None,
            (Some(Phase::RollingBack), _) => Some(Step::RollBack),
            // A heartbeat that was overtaken by the next.
            (Some(Phase::Verifying), _) | (None, _) => None,
        };
        self.extend_lease(now);
        Ok(begins.into_iter().chain(then).collect())
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
