//! The states of a command and the one table of steps between them: nothing else changes a state.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use trust_core::principal::Principal;
use utoipa::ToSchema;

use super::command::{Decided, FailedAttempt, Outcome};

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Asked for.
    Requested,
    /// Waits for approvals.
    Pending,
    /// Waits for its service, for an hour at most.
    Scheduled,
    /// A service has it and has not begun.
    Leased,
    /// A service carries it out.
    Running,
    /// It was carried out, and its service finds out whether that holds.
    Verifying,
    /// It was not done, or did not hold, and its service undoes it.
    RollingBack,
    /// Done.
    Succeeded,
    /// Tried, and not done.
    Failed,
    /// Took longer than its runbook allows.
    Timeout,
    /// Called off.
    Canceled,
    /// Somebody decided against it.
    Rejected,
    /// Nobody decided, or nobody began, in time.
    Expired,
    /// Begun, and then its service fell silent: what has happened is not known.
    Abandoned,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Requested,
        Self::Pending,
        Self::Scheduled,
        Self::Leased,
        Self::Running,
        Self::Verifying,
        Self::RollingBack,
        Self::Succeeded,
        Self::Failed,
        Self::Timeout,
        Self::Canceled,
        Self::Rejected,
        Self::Expired,
        Self::Abandoned,
    ];

    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Pending => "pending",
            Self::Scheduled => "scheduled",
            Self::Leased => "leased",
            Self::Running => "running",
            Self::Verifying => "verifying",
            Self::RollingBack => "rolling_back",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether no step leads on from here.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Requested
            | Self::Pending
            | Self::Scheduled
            | Self::Leased
            | Self::Running
            | Self::Verifying
            | Self::RollingBack => false,
            Self::Succeeded
            | Self::Failed
            | Self::Timeout
            | Self::Canceled
            | Self::Rejected
            | Self::Expired
            | Self::Abandoned => true,
        }
    }

    /// Whether it ended without being done and without anybody having wanted that: a dead letter, which may be called once
    /// more.
    #[must_use]
    pub fn is_dead(self) -> bool {
        matches!(self, Self::Failed | Self::Timeout | Self::Expired | Self::Abandoned)
    }

    /// Whether a service has it.
    #[must_use]
    pub fn is_held(self) -> bool {
        self == Self::Leased || self.is_under_way()
    }

    /// Whether a service has begun and not yet told how it ended.
    #[must_use]
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Running | Self::Verifying | Self::RollingBack)
    }
}

/// What can happen to a command.
#[derive(Clone, Debug)]
pub(super) enum Step {
    AskForApproval,
    Schedule,
    /// One who may decide is for it, and more are needed.
    Agree(Decided),
    /// The last one who was needed is for it.
    Approve(Decided),
    Reject(Decided),
    /// Nobody decided in time, or nobody took it.
    Expire,
    /// Called off before it began.
    Cancel,
    Lease {
        holder: Principal,
    },
    /// The holder did not begin in time.
    LoseLease,
    Start,
    Verify,
    RollBack,
    Succeed(Outcome),
    Fail(Outcome),
    /// The holder is told with its next sign of life that it is to stop.
    AskToStop {
        by: Principal,
    },
    /// The holder has stopped because it was asked to.
    Stop(Outcome),
    TimeOut,
    /// The holder fell silent.
    Abandon,
    /// It did not end well, and its runbook lets it be tried again.
    TryAgain {
        not_before: OffsetDateTime,
        failed: FailedAttempt,
    },
}

/// The table. What is not in it cannot happen.
pub(super) fn next(state: State, step: &Step) -> Option<State> {
    match (state, step) {
        (State::Requested, Step::AskForApproval) => Some(State::Pending),
        (State::Requested, Step::Schedule) => Some(State::Scheduled),

        (State::Pending, Step::Agree(_)) => Some(State::Pending),
        (State::Pending, Step::Approve(_)) => Some(State::Scheduled),
        (State::Pending, Step::Reject(_)) => Some(State::Rejected),

        (State::Scheduled, Step::Lease { .. }) => Some(State::Leased),

        (State::Pending | State::Scheduled, Step::Expire) => Some(State::Expired),
        (State::Pending | State::Scheduled | State::Leased, Step::Cancel) => Some(State::Canceled),

        (State::Leased, Step::Start) => Some(State::Running),
        (State::Leased, Step::LoseLease) => Some(State::Scheduled),

        (State::Running, Step::Verify) => Some(State::Verifying),
        (State::Running | State::Verifying, Step::RollBack) => Some(State::RollingBack),

        (State::Running | State::Verifying, Step::Succeed(_)) => Some(State::Succeeded),
        (State::Running | State::Verifying, Step::AskToStop { .. }) => Some(state),
        (State::Running | State::Verifying | State::RollingBack, Step::Fail(_)) => Some(State::Failed),
        (State::Running | State::Verifying | State::RollingBack, Step::Stop(_)) => Some(State::Canceled),
        (State::Running | State::Verifying | State::RollingBack, Step::TimeOut) => Some(State::Timeout),
        (State::Running | State::Verifying | State::RollingBack, Step::Abandon) => Some(State::Abandoned),
        (State::Running | State::Verifying | State::RollingBack, Step::TryAgain { .. }) => Some(State::Scheduled),

        _ => None,
    }
}
