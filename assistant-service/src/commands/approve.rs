//! `POST /v1/commands/{id}/approval`: deciding about a command before it begins.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use trust_core::principal::Principal;
use utoipa::ToSchema;

use super::book::Commands;
use super::check_length;
use super::command::{Command, Decided, Decision};
use super::crossing::unless_crossed;
use super::record::{Record, Terms};
use super::state::{State as CommandState, Step};
use crate::gate::Caller;
use crate::json_body::JsonBody;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::runbooks::{Right, are_of};
use crate::state::AppState;

const MAX_COMMENT_BYTES: usize = 2000;

/// Each time that somebody was faster one more has decided, so only a crowd at one moment comes to the end of these.
const ATTEMPTS: usize = 16;

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

/// Decides about a command that waits for it. Each may decide once: it is scheduled when as many have agreed as its runbook
/// asks for, and the first one who is against it ends it.
#[utoipa::path(post, path = "/v1/commands/{id}/approval", tag = "commands", request_body = ApprovalRequest,
    params(("id" = String, Path, description = "The command")),
    responses(
        (status = OK, description = "Decided, or one more has agreed", body = Command),
        (status = FORBIDDEN, description = "Somebody else must decide: the caller asked for it, is no approver, or has not the right to", body = ProblemDocument),
        (status = NOT_FOUND, description = "No such command", body = ProblemDocument),
        (status = CONFLICT, description = "Decided already, too late, another digest, or a runbook that is not what it was at the request", body = ProblemDocument)))]
pub(crate) async fn approve(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(request): JsonBody<ApprovalRequest>,
) -> Result<Json<Command>, Problem> {
    check_length("comment", request.comment.as_deref(), MAX_COMMENT_BYTES).map_err(|error| vec![error])?;
    Ok(Json(state.commands.decide(&caller, &id, &request).await?))
}

impl Commands {
    async fn decide(&self, caller: &Caller, id: &str, request: &ApprovalRequest) -> Result<Command, Problem> {
        unless_crossed(ATTEMPTS, || self.decide_once(caller, id, request)).await
    }

    async fn decide_once(&self, caller: &Caller, id: &str, request: &ApprovalRequest) -> Result<Command, Problem> {
        let by = caller.require_principal()?;
        let kept = self.find(id).await?;
        self.permit_with(caller, Right::Approve, &kept.record)?;
        check(&kept.record, by, caller.roles(), &request.digest)?;
        let kept = self.in_time(kept).await?;
        if request.decision == Decision::Approve && kept.record.command.state == CommandState::Pending {
            self.require_runbook_as_asked(&kept.record)?;
        }
        let ApprovalRequest { decision, comment, .. } = request;
        let decided = Decided { by: by.clone(), decision: *decision, comment: comment.clone(), at: self.now() };
        let step = step(&kept.record.command, decided);
        Ok(self.advance(kept, vec![step], Some(caller)).await?.record.command)
    }
}

/// Whether the caller may decide about exactly this.
fn check(record: &Record, by: &Principal, roles: Option<&[String]>, digest: &str) -> Result<(), Problem> {
    let command = &record.command;
    if command.approval.not_requester && command.requested_by == *by {
        return Err(Problem::OwnRequest);
    }
    if !record.terms.let_decide(by, roles) {
        return Err(Problem::NotAnApprover);
    }
    if command.digest != digest {
        return Err(Problem::DigestDiffers);
    }
    let is_waiting = command.state == CommandState::Pending;
    if is_waiting && command.approval.decided.iter().any(|decided| decided.by == *by) {
        return Err(Problem::DecidedAlready);
    }
    Ok(())
}

/// What a decision does to a command, after all that were made about it before.
fn step(command: &Command, decided: Decided) -> Step {
    match decided.decision {
        Decision::Reject => Step::Reject(decided),
        Decision::Approve => {
            let before = command.approval.decided.iter().filter(|one| one.decision == Decision::Approve).count();
            let agreed = u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1);
            if agreed >= command.approval.quorum { Step::Approve(decided) } else { Step::Agree(decided) }
        }
    }
}

impl Terms {
    /// Whether the runbook lets them decide: by name, or by one of their roles; where it says nothing, everybody. Where it
    /// names issuers, theirs alone, unless by name. Roles that are not told let nobody decide.
    fn let_decide(&self, principal: &Principal, roles: Option<&[String]>) -> bool {
        let is_open = self.users.is_empty() && self.roles.is_empty();
        let by_role = || self.roles.iter().any(|role| roles.is_some_and(|roles| roles.contains(role)));
        self.users.iter().any(|user| user.is(principal)) || (are_of(&self.issuers, principal) && (is_open || by_role()))
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;
    use crate::runbooks::Approver;

    #[test]
    fn approvers_are_known_by_issuer_and_subject_or_by_a_role() {
        let user = Approver { issuer: "https://a.example".to_owned(), subject: "ben".to_owned() };
        let terms = |users: &[Approver], roles: &[&str]| Terms {
            users: users.to_vec(),
            roles: roles.iter().map(|&role| role.to_owned()).collect(),
            ..Terms::default()
        };
        let of_a = |terms: Terms| Terms { issuers: vec!["https://a.example".to_owned()], ..terms };
        let other = Approver { issuer: "https://b.example".to_owned(), subject: "ben".to_owned() };
        let ben = Principal::new("https://a.example", "ben");
        let namesake = Principal::new("https://b.example", "ben");
        let operators = ["operators".to_owned()];
        for (terms, who, roles, may) in [
            (terms(&[], &[]), &namesake, &[][..], true),
            (terms(from_ref(&user), &[]), &ben, &[], true),
            (terms(from_ref(&user), &[]), &namesake, &operators, false),
            (terms(&[], &["operators"]), &ben, &[], false),
            (terms(&[], &["operators"]), &ben, &operators, true),
            (terms(&[], &["admins", "operator"]), &ben, &operators, false),
            (terms(from_ref(&user), &["operators"]), &namesake, &operators, true),
            (of_a(terms(&[], &[])), &ben, &[], true),
            (of_a(terms(&[], &[])), &namesake, &[], false),
            (of_a(terms(&[], &["operators"])), &ben, &operators, true),
            (of_a(terms(&[], &["operators"])), &namesake, &operators, false),
            (of_a(terms(from_ref(&other), &["operators"])), &namesake, &[], true),
        ] {
            assert_eq!(terms.let_decide(who, Some(roles)), may, "{terms:?} {who:?} {roles:?}");
        }
        assert!(!terms(&[], &["operators"]).let_decide(&ben, None));
        assert!(terms(&[user], &["operators"]).let_decide(&ben, None));
    }
}
