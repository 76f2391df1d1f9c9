//! Deciding about a command before it begins: approval, rejection, and calling it off.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::book::Commands;
use super::check_length;
use super::command::{Command, Decided, Decision};
use super::state::Step;
use crate::gate::Caller;
use crate::json_body::JsonBody;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::runbooks::Right;
use crate::state::AppState;

const MAX_COMMENT_BYTES: usize = 2000;

/// A decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalRequest {
    /// For or against.
    decision: Decision,
    /// The digest of the command that was looked at.
    digest: String,
    /// Why.
    #[serde(default)]
    comment: Option<String>,
}

/// Decides about a command that waits for it. The first decision counts.
#[utoipa::path(post, path = "/v1/commands/{id}/approval", tag = "commands", request_body = ApprovalRequest,
    params(("id" = String, Path, description = "The command")),
    responses(
        (status = OK, description = "Decided", body = Command),
        (status = FORBIDDEN, description = "The caller has not the right to, or asked for it", body = ProblemDocument),
        (status = NOT_FOUND, description = "No such command", body = ProblemDocument),
        (status = CONFLICT, description = "Decided already, too late, or another digest", body = ProblemDocument)))]
pub(crate) async fn approve(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(request): JsonBody<ApprovalRequest>,
) -> Result<Json<Command>, Problem> {
    Ok(Json(state.commands.decide(&caller, &id, request).await?))
}

/// Calls a command off that has not begun.
#[utoipa::path(post, path = "/v1/commands/{id}/cancel", tag = "commands",
    params(("id" = String, Path, description = "The command")),
    responses(
        (status = OK, description = "Called off", body = Command),
        (status = FORBIDDEN, description = "The caller did not ask for it, and has not the right to", body = ProblemDocument),
        (status = NOT_FOUND, description = "No such command", body = ProblemDocument),
        (status = CONFLICT, description = "It has begun or ended", body = ProblemDocument)))]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<Json<Command>, Problem> {
    caller.require_principal()?;
    let kept = state.commands.find(&id).await?;
    state.commands.permit_to_cancel(&caller, &kept.record.command)?;
    Ok(Json(state.commands.advance(kept, vec![Step::Cancel], Some(&caller)).await?.record.command))
}

impl Commands {
    async fn decide(&self, caller: &Caller, id: &str, request: ApprovalRequest) -> Result<Command, Problem> {
        let by = caller.require_principal()?.clone();
        let ApprovalRequest { decision, digest, comment } = request;
        check_length("comment", comment.as_deref(), MAX_COMMENT_BYTES).map_err(|error| vec![error])?;
        let kept = self.find(id).await?;
        let command = &kept.record.command;
        self.permit_with(caller, Right::Approve, command)?;
        if command.approval.not_requester && command.requested_by == by {
            return Err(Problem::OwnRequest);
        }
        if command.digest != digest {
            return Err(Problem::DigestDiffers);
        }
        let kept = self.in_time(kept).await?;
        let decided = Decided { by, decision, comment, at: self.now() };
        let step = match decision {
            Decision::Approve => Step::Approve(decided),
            Decision::Reject => Step::Reject(decided),
        };
        Ok(self.advance(kept, vec![step], Some(caller)).await?.record.command)
    }
}
