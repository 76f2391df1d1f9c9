//! A command's way as spans, in the trace of whoever asked for it: until it is taken, and until it ends. Both are told when they are over, so
//! that a service that is started meanwhile tells them all the same.

use std::time::SystemTime;

use time::OffsetDateTime;

use super::book::Commands;
use super::record::Record;
use super::state::State;
use crate::telemetry::Traces;
use crate::telemetry::traces::CommandSpan;

impl Commands {
    /// From now on spans go there.
    pub(crate) fn tell_spans_to(&self, traces: Traces) {
        // Once, at start.
        let _ = self.traces.set(traces);
    }

    /// What is over with the step from `before` to where the record stands.
    pub(super) fn tell_spans(&self, before: State, record: &Record) {
        let Some(traces) = self.traces.get() else { return };
        let (command, after) = (&record.command, record.command.state);
        let asked = record.scheduled_at.filter(|_| command.attempts > 0).unwrap_or(command.requested_at);
        let (name, began) = match (before.is_held(), after.is_held()) {
            (false, true) => ("command wait", asked),
            (false, false) if after.is_final() => ("command wait", asked),
            (true, false) => ("command run", record.leased_at.unwrap_or(asked)),
            _ => return,
        };
        traces.command(&CommandSpan {
            name,
            traceparent: record.traceparent.as_deref(),
            began: system_time(began),
            ended: system_time(command.updated_at),
            id: &command.id,
            runbook: &command.runbook,
            service: &command.target.service,
            state: after.name(),
            attempt: command.attempts,
            failed: !after.is_held() && !matches!(after, State::Succeeded | State::Canceled | State::Rejected),
        });
    }
}

fn system_time(time: OffsetDateTime) -> SystemTime {
    time.into()
}
