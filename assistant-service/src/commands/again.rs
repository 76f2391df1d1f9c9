//! Trying again: what did not end well is scheduled anew, where carrying it out twice comes to the same as once.

use time::{Duration, OffsetDateTime};

use super::LEASE;
use super::command::{AttemptEnded, Ending, FailedAttempt, Outcome};
use super::record::Record;
use super::state::{State, Step};
use crate::runbooks::{BackoffPolicy, Retry};

/// However long a runbook would wait: a command that begins later than that is not what was asked for any more.
const LONGEST_PAUSE_SECONDS: f64 = 3600.0;

/// Beyond this every pause is the longest, if there is one at all.
const LARGEST_EXPONENT: u32 = 32;

/// How many failed attempts a command tells of, the last ones.
const ATTEMPTS_TOLD: usize = 16;
const MAX_MESSAGE_CHARACTERS: usize = 500;

impl Record {
    /// `ends`, or in its place the step that has the command tried again.
    pub(super) fn or_again(&self, ends: Step, now: OffsetDateTime) -> Step {
        let last_line = || self.command.progress.as_ref().and_then(|progress| progress.line.clone());
        let (because, message) = match &ends {
            Step::Fail(outcome) => (AttemptEnded::Failed, outcome.message.clone().or_else(last_line)),
            Step::TimeOut => (AttemptEnded::Timeout, last_line()),
            Step::Abandon => (AttemptEnded::Abandoned, last_line()),
            _ => return ends,
        };
        // A failure that is reported without a heartbeat before begins and ends its attempt at once.
        let attempt = self.command.attempts.saturating_add(u32::from(self.command.state == State::Leased));
        if !self.may_be_tried_after(attempt) {
            return ends;
        }
        let message = message.as_deref().map(told);
        let pause = pause_after(attempt, &self.terms.retry);
        let pause = match because {
            AttemptEnded::Failed => pause,
            // The holder has not said that it stopped, and hears that its lease is over with its next sign of life.
            AttemptEnded::Timeout | AttemptEnded::Abandoned => pause.max(signed(LEASE)),
        };
        let not_before = now.saturating_add(pause);
        Step::TryAgain { not_before, failed: FailedAttempt { attempt, because, message, at: now } }
    }

    fn may_be_tried_after(&self, attempt: u32) -> bool {
        self.terms.idempotent
            && attempt <= self.terms.retry.retry
            && self.command.stop_asked_by.is_none()
            && !self.command.dry_run
            && (self.command.state == State::Leased || self.command.state.is_under_way())
    }

    /// Whether this report of a failure under this fence has been heard already, and another attempt follows because of it.
    pub(super) fn has_heard_failure(&self, fence: u64, outcome: &Outcome) -> bool {
        let Some(attempt) = self.attempt_under(fence) else { return false };
        let is_it = |failed: &FailedAttempt| {
            failed.attempt == attempt
                && failed.because == AttemptEnded::Failed
                && (outcome.message.is_none() || failed.message == outcome.message.as_deref().map(told))
        };
        outcome.outcome != Ending::Succeeded && self.command.attempts_failed.iter().any(is_it)
    }

    pub(super) fn keep_failed(&mut self, failed: FailedAttempt) {
        let told = &mut self.command.attempts_failed;
        told.push(failed);
        told.drain(..told.len().saturating_sub(ATTEMPTS_TOLD));
    }
}

fn signed(duration: std::time::Duration) -> Duration {
    Duration::try_from(duration).unwrap_or(Duration::MAX)
}

fn told(message: &str) -> String {
    message.chars().take(MAX_MESSAGE_CHARACTERS).collect()
}

/// The waiting after the `attempt`th attempt, which is the first before the second.
fn pause_after(attempt: u32, retry: &Retry) -> Duration {
    let factor = match retry.backoff_policy {
        BackoffPolicy::Linear => f64::from(attempt),
        BackoffPolicy::Exponential => f64::from(attempt.saturating_sub(1).min(LARGEST_EXPONENT)).exp2(),
    };
    let seconds = (retry.backoff_delay * factor).clamp(0.0, LONGEST_PAUSE_SECONDS);
    Duration::checked_seconds_f64(seconds).unwrap_or(Duration::HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_by_their_policy_and_never_beyond_an_hour() {
        let pauses = |backoff_policy, backoff_delay: f64| {
            let retry = Retry { retry: 99, backoff_policy, backoff_delay };
            [1, 2, 3, 4, 80].map(|attempt| pause_after(attempt, &retry).whole_seconds())
        };
        assert_eq!(pauses(BackoffPolicy::Linear, 60.0), [60, 120, 180, 240, 3600]);
        assert_eq!(pauses(BackoffPolicy::Exponential, 60.0), [60, 120, 240, 480, 3600]);
        assert_eq!(pauses(BackoffPolicy::Exponential, 0.0), [0; 5]);
    }
}
