//! A command as it is kept, and what each step does to it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use trust_core::principal::Principal;

use super::command::{Command, CommandApproval, ExpiredBecause, Lease, LeaseLost, Outcome};
use super::held::LeaseGiven;
use super::output::Piece;
use super::secret_parameters::{HIDDEN, SecretParameters};
use super::secrets::masked_outcome;
use super::state::{State, Step, next};
use super::{APPROVAL, LEASE};
use crate::runbooks::{Approver, Concurrency, Retry, Risk, Runbook, Target};

/// A command as it is kept: with what only the service needs to know. What the runbook said at the request is here,
/// so that a changed runbook does not change a command under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) command: Command,
    pub(super) timeout_seconds: u64,
    /// Absent in what was kept before there were such terms.
    #[serde(default)]
    pub(super) terms: Terms,
    /// The last fence given, which outlives its lease.
    fence: u64,
    /// Who holds the last lease given.
    pub(super) holder: Option<Principal>,
    /// Who was given the last leases, in order: the last one too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) leases: Vec<LeaseGiven>,
    /// When its service could first have it; a lease that is lost does not give it more time.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(super) scheduled_at: Option<OffsetDateTime>,
    /// The trace of the request that asked for it, as a `traceparent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) traceparent: Option<String>,
    /// When the last lease was given.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub(super) leased_at: Option<OffsetDateTime>,
    /// What the command is called with and does not show.
    #[serde(default, skip_serializing_if = "SecretParameters::is_empty")]
    secrets: SecretParameters,
    /// How many bytes of output are kept of attempts before this one.
    #[serde(default)]
    pub(super) output_before: u64,
    /// How many pieces of output have been told, of all attempts.
    #[serde(default)]
    pub(super) output_pieces: u32,
    /// The end of the output, where it may be the beginning of a secret.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) output_waits: String,
    /// Output that is told with the next change.
    #[serde(skip)]
    pub(super) untold: Vec<Piece>,
}

/// What the runbook said at the request, besides its timeout.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) runbook_digest: String,
    pub(super) approval_lifetime_seconds: u64,
    /// Who may decide, by name or by role; with neither everybody who has the right to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) users: Vec<Approver>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) roles: Vec<String>,
    /// Whose roles count; with neither users nor roles, whose subjects may decide.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) issuers: Vec<String>,
    /// Whoever may stop a command may so also when its runbook is gone. Absent in what was kept before this was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) risk: Option<Risk>,
    pub(super) idempotent: bool,
    pub(super) retry: Retry,
    pub(super) concurrency: Concurrency,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            runbook_digest: String::new(),
            approval_lifetime_seconds: APPROVAL.as_secs(),
            users: Vec::new(),
            roles: Vec::new(),
            issuers: Vec::new(),
            risk: None,
            idempotent: false,
            retry: Retry::NEVER,
            concurrency: Concurrency::default(),
        }
    }
}

/// A step that is not in the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotNow(pub(super) State);

/// What is asked for, once it has been looked at.
pub(super) struct Call {
    pub(super) target: Target,
    /// Without the secret values.
    pub(super) parameters: Value,
    pub(super) secrets: SecretParameters,
    pub(super) reason: String,
    pub(super) dry_run: bool,
    pub(super) replays: Option<String>,
}

impl Record {
    pub(super) fn new(id: String, runbook: &Runbook, call: Call, requested_by: Principal, now: OffsetDateTime) -> Self {
        let Call { target, parameters, secrets, reason, dry_run, replays } = call;
        let digest = digest(runbook, &target, &secrets.digested_in(&parameters), dry_run);
        let approval = CommandApproval {
            // Nothing is changed by a dry run.
            needed: runbook.approval.needed && !dry_run,
            not_requester: runbook.approval.not_requester,
            quorum: runbook.approval.quorum,
            decision: None,
            decided: Vec::new(),
        };
        let command = Command {
            id,
            runbook: runbook.name.clone(),
            runbook_digest: runbook.digest.clone(),
            target,
            parameters,
            reason,
            digest,
            state: State::Requested,
            requested_by,
            requested_at: now,
            approval,
            dry_run,
            attempts: 0,
            not_before: None,
            expired_because: None,
            stop_asked_by: None,
            cancel_reason: None,
            replays,
            attempts_failed: Vec::new(),
            lease_lost: None,
            output_bytes: 0,
            output_truncated: false,
            lease: None,
            progress: None,
            result: None,
            updated_at: now,
        };
        let terms = Terms {
            runbook_digest: runbook.digest.clone(),
            approval_lifetime_seconds: runbook.approval.lifetime_seconds,
            users: runbook.approval.users.clone(),
            roles: runbook.approval.roles.clone(),
            issuers: runbook.approval.issuers.clone(),
            risk: Some(runbook.risk),
            idempotent: runbook.idempotent,
            retry: runbook.retry,
            concurrency: runbook.concurrency,
        };
        let timeout_seconds = runbook.timeout_seconds;
        Self {
            command,
            timeout_seconds,
            terms,
            fence: 0,
            holder: None,
            leases: Vec::new(),
            scheduled_at: None,
            traceparent: None,
            leased_at: None,
            secrets,
            output_before: 0,
            output_pieces: 0,
            output_waits: String::new(),
            untold: Vec::new(),
        }
    }

    pub(super) fn fence(&self) -> u64 {
        self.fence
    }

    /// All parameters, the secret ones too: for whoever carries the command out, and for nobody else.
    pub(super) fn call_parameters(&self) -> Value {
        self.secrets.put_back_into(&self.command.parameters)
    }

    /// The secret values as texts, which nothing that is told about the command may hold.
    pub(super) fn secret_texts(&self) -> Vec<String> {
        self.secrets.texts()
    }

    /// What a service reports, as it may be told.
    pub(super) fn masked(&self, outcome: &Outcome) -> Outcome {
        if !self.secrets.are_forgotten() {
            return masked_outcome(outcome, &self.secret_texts());
        }
        // Where the values would stand cannot be found any more.
        let message = outcome.message.as_ref().map(|_| HIDDEN.to_owned());
        Outcome { outcome: outcome.outcome, result: Value::Null, message }
    }

    /// Whether the last holder reported this end before; with secrets forgotten, an end of its kind.
    pub(super) fn has_ended_with(&self, reported: &Outcome) -> bool {
        self.command.result.as_ref().is_some_and(|ended| {
            let is_same_end = self.secrets.are_forgotten() && ended.outcome == reported.outcome;
            is_same_end || *ended == self.masked(reported)
        })
    }

    pub(super) fn secret_names(&self) -> Vec<String> {
        self.secrets.names().collect()
    }

    /// Takes a step, with all that it means for the rest of the record.
    pub(super) fn take(&mut self, step: Step, now: OffsetDateTime) -> Result<(), NotNow> {
        let before = self.command.state;
        let state = next(before, &step).ok_or(NotNow(before))?;
        self.command.state = state;
        self.command.updated_at = now;
        match step {
            Step::AskForApproval | Step::Schedule => {}
            Step::Agree(decided) => self.command.approval.decided.push(decided),
            Step::Approve(decided) | Step::Reject(decided) => {
                self.command.approval.decision = Some(decided.decision);
                self.command.approval.decided.push(decided);
            }
            Step::Lease { holder } => {
                self.fence = self.fence.saturating_add(1);
                self.leased_at = Some(now);
                self.keep_lease(holder.clone());
                self.holder = Some(holder);
                self.extend_lease(now);
            }
            Step::Start => {
                self.command.attempts = self.command.attempts.saturating_add(1);
                self.command.not_before = None;
                self.keep_attempt();
                self.extend_lease(now);
            }
            Step::Verify | Step::RollBack => self.extend_lease(now),
            Step::Succeed(outcome) | Step::Fail(outcome) | Step::Stop(outcome) => self.command.result = Some(outcome),
            Step::AskToStop { by } => self.command.stop_asked_by = Some(by),
            Step::Expire if before == State::Scheduled => {
                self.command.expired_because = Some(ExpiredBecause::NobodyBegan);
            }
            Step::Expire => self.command.expired_because = Some(ExpiredBecause::NobodyDecided),
            Step::TryAgain { not_before, failed } => {
                self.command.not_before = Some(not_before);
                self.scheduled_at = Some(not_before);
                self.command.progress = None;
                self.end_output();
                self.begin_output_anew();
                self.keep_failed(failed);
            }
            Step::LoseLease => {
                let lost = |holder| LeaseLost { fence: self.fence, holder, at: now };
                self.command.lease_lost = self.holder.clone().map(lost);
            }
            Step::Cancel | Step::TimeOut | Step::Abandon => {}
        }
        if !state.is_held() {
            self.command.lease = None;
        }
        if state.is_final() {
            self.end_output();
        }
        // What did not come to a good end can be called once more, for which they are needed.
        if matches!(state, State::Succeeded | State::Rejected) {
            self.secrets.forget();
        }
        if state == State::Scheduled {
            self.scheduled_at.get_or_insert(now);
        }
        Ok(())
    }

    /// A sign of life.
    pub(super) fn extend_lease(&mut self, now: OffsetDateTime) {
        self.command.updated_at = now;
        let expires_at = now.saturating_add(Duration::try_from(LEASE).unwrap_or(Duration::MAX));
        self.command.lease = Some(Lease { fence: self.fence, expires_at });
    }
}

/// The runbook's own digest stands for all that it says, and a keyed digest for each secret parameter; members are ordered by name, so that the same call has the
/// same digest.
fn digest(runbook: &Runbook, target: &Target, parameters: &Value, dry_run: bool) -> String {
    let mut call = json!({
        "runbook": runbook.digest,
        "parameters": parameters,
        "target": {"service": target.service},
        "dry_run": dry_run,
    });
    call.sort_all_objects();
    Sha256::digest(call.to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
}
