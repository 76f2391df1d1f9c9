//! Commands: a stored call of a runbook, from the request through approval, lease and execution to its end.
//!
//! Everything is in the backbone, and each step is committed together with its event; a replica that is started again
//! goes on where the store stands. Who executes holds a lease with a fence, so that one who was believed dead cannot
//! report over the one who came after.

mod again;
mod announce;
pub(crate) mod approve;
mod ask;
mod book;
pub(crate) mod cancel;
mod command;
mod concurrency;
mod crossing;
mod due;
mod ended;
pub(crate) mod execute;
pub(crate) mod follow;
mod held;
mod idempotency;
mod late;
pub(crate) mod lease;
mod open;
pub(crate) mod output;
mod permitted;
pub(crate) mod read;
mod reaper;
mod record;
pub(crate) mod replay;
pub(crate) mod request;
mod round;
mod secret_parameters;
mod secrets;
mod spans;
mod state;
mod time_seen;

pub use book::Commands;
pub(crate) use book::command;
pub use command::Command;
pub(crate) use crossing::unless_crossed;
pub(crate) use idempotency::{IdempotencyKey, Use as KeyUse};
pub use state::State;

use std::time::Duration;

use serde_json::Value;

use crate::problem::FieldError;

/// How long a service keeps a command without a sign of life.
pub const LEASE: Duration = Duration::from_secs(30);

/// How long a command waits for an approval.
pub const APPROVAL: Duration = Duration::from_secs(3600);

/// How long a command waits for its service from when it was first scheduled, lost leases included. Whoever asked for
/// it meant now: what was approved on Monday must not begin on Friday, when its service comes back.
pub const SCHEDULED: Duration = Duration::from_secs(3600);

/// How deep parameters and results may nest. Records and events wrap them further, and nobody reads JSON of more than
/// 127 levels back.
const MAX_LEVELS: usize = 32;

/// Says so when a text is longer than it may be: everything about a command is listed and sent to others.
fn check_length(field: &str, text: Option<&str>, max_bytes: usize) -> Result<(), FieldError> {
    match text {
        Some(text) if text.len() > max_bytes => Err(FieldError::new(field, format!("may have {max_bytes} bytes"))),
        _ => Ok(()),
    }
}

/// The same for a JSON value, and for how deep it nests.
fn check_value(field: &str, value: &Value, max_bytes: usize) -> Result<(), FieldError> {
    if nests_deeper(value, MAX_LEVELS) {
        return Err(FieldError::new(field, format!("may have {MAX_LEVELS} levels")));
    }
    check_length(field, Some(&value.to_string()), max_bytes)
}

fn nests_deeper(value: &Value, levels: usize) -> bool {
    let is_deeper = |inner: &Value| nests_deeper(inner, levels.saturating_sub(1));
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(is_deeper),
        Value::Object(members) => levels == 0 || members.values().any(is_deeper),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests;
