//! A command as it is told and as it is kept, and what each step does to it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use trust_core::principal::Principal;
use utoipa::ToSchema;

use super::state::{State, Step, next};
use super::{APPROVAL_SECONDS, LEASE_SECONDS};
use crate::runbooks::{Runbook, Target};

/// A command.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Command {
    /// Its identifier; later ones are larger.
    pub id: String,
    /// The runbook that it calls.
    pub runbook: String,
    /// Who is to carry it out.
    pub target: Target,
    /// What the runbook is called with.
    #[schema(value_type = Object)]
    pub parameters: Value,
    /// Why it was asked for.
    pub reason: String,
    /// SHA-256 in hexadecimal of runbook, parameters and target: what an approval is for.
    pub digest: String,
    /// Where it stands.
    pub state: State,
    /// Who asked for it.
    #[schema(value_type = PrincipalSchema)]
    pub requested_by: Principal,
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub requested_at: OffsetDateTime,
    /// Who must agree, and who has decided.
    pub approval: CommandApproval,
    /// Who carries it out, and until when without a sign of life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// How far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// What its service reported at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Outcome>,
    /// When anything of this changed last.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// Who somebody is.
#[derive(ToSchema)]
#[schema(as = Principal)]
#[expect(dead_code, reason = "describes a foreign type to readers of the API")]
struct PrincipalSchema {
    /// Who vouches for the subject.
    iss: String,
    /// The subject.
    sub: String,
}

/// Who must agree, and who has decided.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Decided)]
pub struct CommandApproval {
    /// Whether somebody must agree.
    pub needed: bool,
    /// Whether that must be somebody other than the one who asked.
    pub not_requester: bool,
    /// Who decided.
    #[schema(value_type = Option<PrincipalSchema>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<Principal>,
    /// What was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// For or against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It may be carried out.
    Approve,
    /// It may not.
    Reject,
}

/// The right to carry a command out.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Lease {
    /// Grows with each lease of the command: an older one does not count any more.
    pub fence: u64,
    /// When it is lost without a sign of life.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// How far a command is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Of a hundred.
    #[schema(maximum = 100)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// What is being done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// What a service reports at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// Whether it was done.
    pub outcome: Ending,
    /// What came of it.
    #[schema(value_type = Object)]
    pub result: Value,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Done or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Done.
    Succeeded,
    /// Tried, and not done.
    Failed,
}

/// A command as it is kept: with what only the service needs to know. What the runbook said at the request is here,
/// so that a changed runbook does not change a command under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) command: Command,
    pub(super) timeout_seconds: u64,
    /// The last fence given, which outlives its lease.
    fence: u64,
    /// Who holds the last lease given.
    pub(super) holder: Option<Principal>,
    #[serde(with = "time::serde::rfc3339::option")]
    started_at: Option<OffsetDateTime>,
}

/// A step that is not in the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotNow(pub(super) State);

impl Record {
    pub(super) fn new(
        id: String,
        runbook: &Runbook,
        parameters: Value,
        reason: String,
        requested_by: Principal,
        now: OffsetDateTime,
    ) -> Self {
        let digest = digest(runbook, &parameters);
        let approval = CommandApproval {
            needed: runbook.approval.needed,
            not_requester: runbook.approval.not_requester,
            decided_by: None,
            decision: None,
            comment: None,
        };
        let command = Command {
            id,
            runbook: runbook.name.clone(),
            target: runbook.target.clone(),
            parameters,
            reason,
            digest,
            state: State::Requested,
            requested_by,
            requested_at: now,
            approval,
            lease: None,
            progress: None,
            result: None,
            updated_at: now,
        };
        Self { command, timeout_seconds: runbook.timeout_seconds, fence: 0, holder: None, started_at: None }
    }

    pub(super) fn fence(&self) -> u64 {
        self.fence
    }

    /// Takes a step, with all that it means for the rest of the record.
    pub(super) fn take(&mut self, step: Step, now: OffsetDateTime) -> Result<(), NotNow> {
        let state = next(self.command.state, &step).ok_or(NotNow(self.command.state))?;
        self.command.state = state;
        self.command.updated_at = now;
        match step {
            Step::AskForApproval | Step::Schedule => {}
            Step::Approve { by, comment } => self.decide(Decision::Approve, by, comment),
            Step::Reject { by, comment } => self.decide(Decision::Reject, by, comment),
            Step::Lease { holder } => {
                self.fence = self.fence.saturating_add(1);
                self.holder = Some(holder);
                self.extend_lease(now);
            }
            Step::Start => {
                self.started_at = Some(now);
                self.extend_lease(now);
            }
            Step::Succeed(outcome) | Step::Fail(outcome) => self.command.result = Some(outcome),
            Step::Expire | Step::Cancel | Step::LoseLease | Step::TimeOut | Step::Abandon => {}
        }
        if !matches!(state, State::Leased | State::Running) {
            self.command.lease = None;
        }
        Ok(())
    }

    fn decide(&mut self, decision: Decision, by: Principal, comment: Option<String>) {
        self.command.approval.decision = Some(decision);
        self.command.approval.decided_by = Some(by);
        self.command.approval.comment = comment;
    }

    /// A sign of life.
    pub(super) fn extend_lease(&mut self, now: OffsetDateTime) {
        self.command.updated_at = now;
        let expires_at = now.saturating_add(Duration::seconds(LEASE_SECONDS));
        self.command.lease = Some(Lease { fence: self.fence, expires_at });
    }

    /// What time alone does to the command, if anything.
    pub(super) fn due(&self, now: OffsetDateTime) -> Option<Step> {
        let is_silent = self.command.lease.as_ref().is_some_and(|lease| lease.expires_at <= now);
        let is_over = |since: Option<OffsetDateTime>, seconds: i64| {
            since.is_some_and(|since| since.saturating_add(Duration::seconds(seconds)) <= now)
        };
        match self.command.state {
            State::Pending => is_over(Some(self.command.requested_at), APPROVAL_SECONDS).then_some(Step::Expire),
            State::Leased => is_silent.then_some(Step::LoseLease),
            State::Running => {
                let timeout = i64::try_from(self.timeout_seconds).unwrap_or(i64::MAX);
                if is_over(self.started_at, timeout) { Some(Step::TimeOut) } else { is_silent.then_some(Step::Abandon) }
            }
            State::Requested
            | State::Scheduled
            | State::Succeeded
            | State::Failed
            | State::Timeout
            | State::Canceled
            | State::Rejected
            | State::Abandoned => None,
        }
    }
}

/// The runbook's own digest stands for all that it says; members are ordered by name, so that the same call has the
/// same digest.
fn digest(runbook: &Runbook, parameters: &Value) -> String {
    let mut call = json!({
        "runbook": runbook.digest,
        "parameters": parameters,
        "target": {"service": runbook.target.service},
    });
    call.sort_all_objects();
    Sha256::digest(call.to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
}
