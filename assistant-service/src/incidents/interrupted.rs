//! Why the log is not followed any further for now. Whoever meets one begins anew with what is kept.

use thiserror::Error;

use crate::backbone::BackboneError;

/// Why it is not followed.
#[derive(Debug, Error)]
pub(super) enum Interrupted {
    /// The store failed, or another replica has gone on.
    #[error(transparent)]
    Store(#[from] BackboneError),
    /// What is kept cannot be written or read as JSON.
    #[error("what is kept of incidents is not readable: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The engine's own form cannot be written or read.
    #[error(transparent)]
    Engine(#[from] diagnosis::engine::InvalidParked),
    /// The thread that judges could not be started.
    #[error("the thread that judges cannot be started: {0}")]
    NoThread(#[from] std::io::Error),
    /// The thread that judges has ended by a mistake of ours.
    #[error("the thread that judges has ended")]
    Ended,
}
