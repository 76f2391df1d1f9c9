//! A command as it is told.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use trust_core::principal::Principal;
use utoipa::ToSchema;

use super::state::State;
use crate::runbooks::Target;

/// A command.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Command {
    /// Its identifier; later ones are larger.
    pub id: String,
    /// The runbook that it calls.
    pub runbook: String,
    /// The runbook's digest at the request, as the catalogue tells it: an approval is for this one and no other.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub runbook_digest: String,
    /// Who is to carry it out.
    pub target: Target,
    /// What the runbook is called with.
    #[schema(value_type = Object)]
    pub parameters: Value,
    /// Why it was asked for.
    pub reason: String,
    /// SHA-256 in hexadecimal of runbook, parameters, target and whether it is a dry run: what an approval is for.
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
    /// Whether it only says what it would do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// How often a service has begun with it.
    #[serde(default)]
    pub attempts: u32,
    /// When it may be tried again, while it waits for that.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub not_before: Option<OffsetDateTime>,
    /// Why it has expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired_because: Option<ExpiredBecause>,
    /// Who asked that it be stopped while it was carried out.
    #[schema(value_type = Option<PrincipalSchema>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_asked_by: Option<Principal>,
    /// Why it was called off, or was to be stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
    /// The command that this one calls once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replays: Option<String>,
    /// How its last attempts failed that were followed by another, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts_failed: Vec<FailedAttempt>,
    /// The last lease that was lost before its holder began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_lost: Option<LeaseLost>,
    /// How many bytes of this attempt's output are kept.
    #[serde(default)]
    pub output_bytes: u64,
    /// Whether there was more output, or in more pieces, than is kept of a command.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub output_truncated: bool,
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
#[schema(as = CommandApproval)]
pub struct CommandApproval {
    /// Whether somebody must agree.
    pub needed: bool,
    /// Whether that must be somebody other than the one who asked.
    pub not_requester: bool,
    /// How many must agree.
    #[serde(default = "one")]
    pub quorum: u32,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Who has decided so far, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decided: Vec<Decided>,
}

fn one() -> u32 {
    1
}

/// One person's decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decided {
    /// Whose.
    #[schema(value_type = PrincipalSchema)]
    pub by: Principal,
    /// For or against.
    pub decision: Decision,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
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

/// What nobody did in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpiredBecause {
    /// Nobody decided about it, or not enough did.
    NobodyDecided,
    /// Its service did not begin within an hour.
    NobodyBegan,
}

/// An attempt that was followed by another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailedAttempt {
    /// The how-many-eth it was, from 1.
    pub attempt: u32,
    /// What ended it.
    pub because: AttemptEnded,
    /// What its service reported, or the last that it said while it was at work; up to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// How an attempt ended that did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnded {
    /// Its service reported that it failed.
    Failed,
    /// It took longer than its runbook allows.
    Timeout,
    /// Its service fell silent.
    Abandoned,
}

/// A lease whose holder gave no sign of life, so that the command is there for the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeaseLost {
    /// The lease's.
    pub fence: u64,
    /// Who had it.
    #[schema(value_type = PrincipalSchema)]
    pub holder: Principal,
    /// When it was lost.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
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
    /// Stopped because somebody asked for it.
    Canceled,
}
