//! Commands: a stored call of a runbook, from the request through approval, lease and execution to its end.
//!
//! Everything is in the backbone, and each step is committed together with its event; a replica that is started again
//! goes on where the store stands. Who executes holds a lease with a fence, so that one who was believed dead cannot
//! report over the one who came after.

pub(crate) mod approve;
mod book;
mod command;
pub(crate) mod execute;
mod held;
pub(crate) mod lease;
pub(crate) mod read;
mod reaper;
mod record;
pub(crate) mod request;
mod state;

pub use book::Commands;
pub use command::Command;
pub use state::State;

use crate::problem::FieldError;

/// How long a service keeps a command without a sign of life.
pub const LEASE_SECONDS: i64 = 30;

/// How long a command waits for an approval.
pub const APPROVAL_SECONDS: i64 = 3600;

/// Says so when a text is longer than it may be: everything about a command is listed and sent to others.
fn check_length(field: &str, text: Option<&str>, max_bytes: usize) -> Result<(), FieldError> {
    match text {
        Some(text) if text.len() > max_bytes => Err(FieldError::new(field, format!("may have {max_bytes} bytes"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
