//! A command as it is kept, and what each step does to it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use trust_core::principal::Principal;

use super::command::{CanceledBecause, Command, CommandApproval, Decision, Lease};
use super::state::{State, Step, next};
use super::time_seen::Seen;
use super::{APPROVAL, LEASE, SCHEDULED};
use crate::runbooks::Runbook;

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
    /// When its service could first have it; a lease that is lost does not give it more time.
    #[serde(default, with = "time::serde::rfc3339::option")]
    scheduled_at: Option<OffsetDateTime>,
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
            canceled_because: None,
            lease: None,
            progress: None,
            result: None,
            updated_at: now,
        };
        let timeout_seconds = runbook.timeout_seconds;
        Self { command, timeout_seconds, fence: 0, holder: None, scheduled_at: None }
    }

    pub(super) fn fence(&self) -> u64 {
        self.fence
    }

    /// Takes a step, with all that it means for the rest of the record.
    pub(super) fn take(&mut self, step: Step, now: OffsetDateTime) -> Result<(), NotNow> {
        let before = self.command.state;
        let state = next(before, &step).ok_or(NotNow(before))?;
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
            Step::Start => self.extend_lease(now),
            Step::Succeed(outcome) | Step::Fail(outcome) => self.command.result = Some(outcome),
            Step::Cancel => self.command.canceled_because = Some(CanceledBecause::CalledOff),
            Step::Expire if before == State::Scheduled => {
                self.command.canceled_because = Some(CanceledBecause::NobodyBegan);
            }
            Step::Expire => self.command.canceled_because = Some(CanceledBecause::NobodyDecided),
            Step::LoseLease | Step::TimeOut | Step::Abandon => {}
        }
        if !matches!(state, State::Leased | State::Running) {
            self.command.lease = None;
        }
        if state == State::Scheduled {
            self.scheduled_at.get_or_insert(now);
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
        let expires_at = now.saturating_add(Duration::try_from(LEASE).unwrap_or(Duration::MAX));
        self.command.lease = Some(Lease { fence: self.fence, expires_at });
    }

    /// What time alone does to the command, if anything: leases and run times end by what this process has seen, an hour's
    /// wait also by the clock, since the process that saw it begin may be gone. `now` is [`Commands::steady_now`].
    ///
    /// [`Commands::steady_now`]: super::Commands::steady_now
    pub(super) fn due(&self, seen: Seen, now: OffsetDateTime) -> Option<Step> {
        let is_silent = seen.unchanged_for >= LEASE;
        let is_over = |since: OffsetDateTime, wait: std::time::Duration| {
            seen.in_state_for >= wait || since.saturating_add(Duration::try_from(wait).unwrap_or(Duration::MAX)) <= now
        };
        match self.command.state {
            State::Pending => is_over(self.command.requested_at, APPROVAL).then_some(Step::Expire),
            State::Scheduled => {
                let since = self.scheduled_at.unwrap_or(self.command.updated_at);
                is_over(since, SCHEDULED).then_some(Step::Expire)
            }
            State::Leased => is_silent.then_some(Step::LoseLease),
            State::Running => {
                let is_slow = seen.in_state_for >= std::time::Duration::from_secs(self.timeout_seconds);
                if is_slow { Some(Step::TimeOut) } else { is_silent.then_some(Step::Abandon) }
            }
            State::Requested
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
