//! What the runner is given and how it tells of it: the agent's words, so that the steps know nothing of the wire.

use std::pin::Pin;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A command as the runner has leased it. Nothing in it has been held against the runner's own catalogue yet.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) id: String,
    /// Names the lease, so that a later process can tell the truth about it.
    pub(super) fence: u64,
    pub(super) runbook: String,
    /// What the service believes the runbook to be; a service that does not say it is refused.
    pub(super) runbook_digest: String,
    pub(super) parameters: Value,
    pub(super) timeout_seconds: u64,
    pub(super) dry_run: bool,
    pub(super) attempt: u32,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    /// Done, and found to be done.
    Succeeded(Value),
    /// Not done, or nobody knows, and why.
    Failed(String),
    /// Somebody asked that it be stopped.
    Canceled(String),
}

/// Resolves when somebody has asked that the command be stopped.
pub(super) type StopAsked<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// How whoever follows a command hears of it. Nothing here waits: what cannot be sent is kept by who implements it, within
/// a bound.
pub(super) trait Telling: Send + Sync {
    /// How far it is, of a hundred, and what is being done.
    fn report(&self, percent: u8, line: &str);
    /// More of the output.
    fn output(&self, text: &str);
    /// The runbook's steps are done; from now on it is looked whether they worked.
    fn verifying(&self);
    /// From now on what was done is undone.
    fn rolling_back(&self);
    /// Waits until somebody asks that it be stopped.
    fn stop_asked(&self) -> StopAsked<'_>;
}
