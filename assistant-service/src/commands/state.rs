//! The states of a command and the one table of steps between them: nothing else changes a state.

use serde::{Deserialize, Serialize};
use trust_core::principal::Principal;
use utoipa::ToSchema;

use super::command::Outcome;

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Asked for.
    Requested,
    /// Waits for an approval.
    Pending,
    /// Waits for its service, for an hour at most.
    Scheduled,
    /// A service has it and has not begun.
    Leased,
    /// A service carries it out.
    Running,
    /// Done.
    Succeeded,
    /// Tried, and not done.
    Failed,
    /// Took longer than its runbook allows.
    Timeout,
    /// Called off before it began, by somebody or by time.
    Canceled,
    /// Somebody decided against it.
    Rejected,
    /// Begun, and then its service fell silent: what has happened is not known.
    Abandoned,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Requested,
        Self::Pending,
        Self::Scheduled,
        Self::Leased,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Timeout,
        Self::Canceled,
        Self::Rejected,
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
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
            Self::Rejected => "rejected",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether no step leads on from here.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Requested | Self::Pending | Self::Scheduled | Self::Leased | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Timeout | Self::Canceled | Self::Rejected | Self::Abandoned => true,
        }
    }
}

/// What can happen to a command.
#[derive(Clone, Debug)]
pub(super) enum Step {
    AskForApproval,
    Schedule,
    Approve {
        by: Principal,
        comment: Option<String>,
    },
    Reject {
        by: Principal,
        comment: Option<String>,
    },
    /// Nobody decided in time, or nobody took it.
    Expire,
    Cancel,
    Lease {
        holder: Principal,
    },
    /// The holder did not begin in time.
    LoseLease,
    Start,
    Succeed(Outcome),
    Fail(Outcome),
    TimeOut,
    /// The holder fell silent.
    Abandon,
}

/// The table. What is not in it cannot happen.
pub(super) fn next(state: State, step: &Step) -> Option<State> {
    match (state, step) {
        (State::Requested, Step::AskForApproval) => Some(State::Pending),
        (State::Requested, Step::Schedule) => Some(State::Scheduled),

        (State::Pending, Step::Approve { .. }) => Some(State::Scheduled),
        (State::Pending, Step::Reject { .. }) => Some(State::Rejected),
        (State::Pending, Step::Expire | Step::Cancel) => Some(State::Canceled),

        (State::Scheduled, Step::Lease { .. }) => Some(State::Leased),
        (State::Scheduled, Step::Expire | Step::Cancel) => Some(State::Canceled),

        (State::Leased, Step::Start) => Some(State::Running),
        (State::Leased, Step::LoseLease) => Some(State::Scheduled),
        (State::Leased, Step::Cancel) => Some(State::Canceled),

        (State::Running, Step::Succeed(_)) => Some(State::Succeeded),
        (State::Running, Step::Fail(_)) => Some(State::Failed),
        (State::Running, Step::TimeOut) => Some(State::Timeout),
        (State::Running, Step::Abandon) => Some(State::Abandoned),

        _ => None,
    }
}
