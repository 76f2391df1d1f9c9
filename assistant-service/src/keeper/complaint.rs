//! Says once that something goes wrong, and once that it goes well again: what is tried each second would fill a log.

use std::fmt::Display;

/// One thing that may go wrong.
#[derive(Debug)]
pub(super) struct Complaint {
    what: &'static str,
    is_raised: bool,
}

impl Complaint {
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, is_raised: false }
    }

    pub(super) fn about<T, E: Display>(&mut self, outcome: Result<T, E>) {
        let was_raised = std::mem::replace(&mut self.is_raised, outcome.is_err());
        match outcome {
            Err(error) if !was_raised => tracing::error!(%error, "{}", self.what),
            Ok(_) if was_raised => tracing::info!("no longer: {}", self.what),
            _ => {}
        }
    }
}
