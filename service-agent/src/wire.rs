//! What goes over the wire between an agent and the gateway.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A command to carry out.
#[derive(Clone, Debug, Deserialize)]
pub struct Command {
    /// Its identifier.
    pub id: String,
    /// The runbook that it comes from.
    pub runbook: String,
    /// Parameters, already held against the runbook's schema.
    pub parameters: Value,
    /// How long it may take, counted from the first heartbeat.
    pub timeout_seconds: u64,
}

/// How a command ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Done, with what there is to tell.
    Succeeded(Value),
    /// Not done, with the reason in one sentence.
    Failed(String),
}

#[derive(Debug, Deserialize)]
pub(crate) struct Lease {
    pub(crate) command: Command,
    /// Rises with every lease of a command; an old one is refused.
    pub(crate) fence: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct LeaseRequest {
    pub(crate) wait_seconds: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ProgressReport {
    pub(crate) percent: u8,
    pub(crate) line: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Heartbeat {
    pub(crate) fence: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) progress: Option<ProgressReport>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CommandResult {
    pub(crate) fence: u64,
    pub(crate) outcome: &'static str,
    pub(crate) result: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

impl CommandResult {
    pub(crate) fn new(fence: u64, outcome: Outcome) -> Self {
        match outcome {
            Outcome::Succeeded(result) => Self { fence, outcome: "succeeded", result, message: None },
            Outcome::Failed(message) => Self { fence, outcome: "failed", result: Value::Null, message: Some(message) },
        }
    }
}
