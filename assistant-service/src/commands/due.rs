//! What time alone does to a command: the one rule, for the sweep, which knows briefs, and for whoever has read a record.

use std::time::Duration;

use time::OffsetDateTime;

use super::book::{Commands, Kept};
use super::open::Brief;
use super::state::{State, Step};
use super::time_seen::Seen;
use super::{LEASE, SCHEDULED};
use crate::backbone::Revision;

impl Brief {
    /// What time alone does to the command, if anything: leases and run times end by what this process has seen, an hour's
    /// wait also by the clock, since the process that saw it begin may be gone. `now` is [`Commands::steady_now`].
    fn due(&self, seen: Seen, now: OffsetDateTime) -> Option<Step> {
        let is_silent = seen.unchanged_for >= LEASE;
        let is_over = |since: OffsetDateTime, wait: Duration| {
            seen.in_state_for >= wait.saturating_add(self.pause())
                || since.saturating_add(time::Duration::try_from(wait).unwrap_or(time::Duration::MAX)) <= now
        };
        match self.command.state {
            State::Pending => {
                let lifetime = Duration::from_secs(self.terms.approval_lifetime_seconds);
                is_over(self.command.requested_at, lifetime).then_some(Step::Expire)
            }
            State::Scheduled => {
                let since = self.scheduled_at.unwrap_or(self.command.updated_at);
                is_over(since, SCHEDULED).then_some(Step::Expire)
            }
            State::Leased => is_silent.then_some(Step::LoseLease),
            State::Running | State::Verifying | State::RollingBack => {
                let is_slow = seen.in_state_for >= Duration::from_secs(self.timeout_seconds);
                if is_slow { Some(Step::TimeOut) } else { is_silent.then_some(Step::Abandon) }
            }
            State::Requested
            | State::Succeeded
            | State::Failed
            | State::Timeout
            | State::Canceled
            | State::Rejected
            | State::Expired
            | State::Abandoned => None,
        }
    }

    /// How long it waits from its last change until it may be tried again; nothing where it need not wait. By no clock: both
    /// times are of the same moment.
    fn pause(&self) -> Duration {
        let until = self.command.not_before.unwrap_or(self.command.updated_at);
        crate::clock::until(until, self.command.updated_at)
    }
}

impl Commands {
    /// What time alone does by now to a command that was just read.
    pub(super) fn due(&self, kept: &Kept) -> Option<Step> {
        self.due_of(&kept.record.command.id, kept.revision, &Brief::from(&kept.record))
    }

    /// The same for one of which a brief is known.
    pub(super) fn due_of(&self, id: &str, revision: Revision, brief: &Brief) -> Option<Step> {
        let seen = self.time_seen.of((id, revision), (brief.command.state, brief.fence), self.clock.elapsed());
        brief.due(seen, self.steady_now())
    }
}
