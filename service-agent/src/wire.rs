//! What goes over the wire between an agent and the gateway.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the service takes at most; a report beyond it would be refused, and so lost.
const MAX_LINE_BYTES: usize = 1000;
const MAX_MESSAGE_BYTES: usize = 4000;
const MAX_RESULT_BYTES: usize = 64 * 1024;

/// A command to carry out.
#[derive(Clone, Debug, Deserialize)]
pub struct Command {
    /// Its identifier.
    pub id: String,
    /// The runbook that it comes from.
    pub runbook: String,
    /// Parameters, already held against the runbook's schema.
    pub parameters: Value,
    /// How long it may take, counted from the first heartbeat, and from the begin of verifying and of rolling back.
    pub timeout_seconds: u64,
    /// SHA-256 of the runbook as the service has it; empty when the service is too old to say it.
    #[serde(default)]
    pub runbook_digest: String,
    /// Whether it is only to be said what would be done.
    #[serde(default)]
    pub dry_run: bool,
    /// How often it has been begun, this time included.
    #[serde(default = "first")]
    pub attempt: u32,
    /// The trace of whoever asked for the command (W3C Trace Context), for spans of what is done for it. The agent's own calls about
    /// the command bring it along.
    #[serde(default)]
    pub traceparent: Option<String>,
    /// Names the lease, for an agent that writes down what it has begun and tells it late ([`crate::Gateway::late_result`]).
    #[serde(skip)]
    pub fence: u64,
}

fn first() -> u32 {
    1
}

/// How a command ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Done, with what there is to tell, up to 64 KiB of JSON.
    Succeeded(Value),
    /// Not done, with the reason in one sentence, of which the first 4,000 bytes are kept.
    Failed(String),
    /// Stopped because somebody asked for it ([`crate::Progress::stop_asked`]), with a sentence on how things stand now.
    Canceled(String),
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

impl ProgressReport {
    pub(crate) fn new(percent: u8, line: String) -> Self {
        Self { percent: percent.min(100), line: shortened(line, MAX_LINE_BYTES) }
    }
}

/// What is being done once the runbook's steps are over. One follows the other, never the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    Verifying,
    RollingBack,
}

/// The newest of what a handler has said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) progress: Option<ProgressReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phase: Option<Phase>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Heartbeat {
    pub(crate) fence: u64,
    #[serde(flatten)]
    pub(crate) said: Said,
}

/// What a heartbeat is answered, as far as it matters here. A service that is too old to stop commands says nothing of it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Extended {
    /// Somebody asked that the command be stopped.
    #[serde(default)]
    pub(crate) stop: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct OutputPiece {
    pub(crate) fence: u64,
    /// Where it stands in the output, in bytes.
    pub(crate) offset: usize,
    pub(crate) text: String,
}

/// How much of the output the service has.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct OutputTaken {
    #[serde(default)]
    pub(crate) output_bytes: usize,
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
            Outcome::Succeeded(result) => {
                let bytes = result.to_string().len();
                if bytes > MAX_RESULT_BYTES {
                    let message = format!(
                        "it was carried out, but its result has {bytes} bytes and may have {MAX_RESULT_BYTES}, so it was not kept"
                    );
                    return Self::without_result(fence, "failed", message);
                }
                Self { fence, outcome: "succeeded", result, message: None }
            }
            Outcome::Failed(message) => Self::without_result(fence, "failed", message),
            Outcome::Canceled(message) => Self::without_result(fence, "canceled", message),
        }
    }

    fn without_result(fence: u64, outcome: &'static str, message: String) -> Self {
        let message = Some(shortened(message, MAX_MESSAGE_BYTES));
        Self { fence, outcome, result: Value::Null, message }
    }
}

/// A refusal, as far as it matters here (RFC 9457).
#[derive(Debug, Deserialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    problem_type: String,
}

/// What a conflict means to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The lease belongs to somebody else, or the command has ended.
    LeaseLost,
    /// A piece of output does not follow what the service has.
    OutputGap,
    /// One of the store's own, or one that says nothing of itself: it passes.
    Passing,
}

impl Problem {
    /// What a conflict with this body means.
    pub(crate) fn conflict(body: &[u8]) -> Conflict {
        match serde_json::from_slice(body) {
            Ok(Self { problem_type }) => match problem_type.as_str() {
                "urn:watchgate:problem:stale-fence" | "urn:watchgate:problem:wrong-state" => Conflict::LeaseLost,
                "urn:watchgate:problem:output-gap" => Conflict::OutputGap,
                _ => Conflict::Passing,
            },
            Err(_) => Conflict::Passing,
        }
    }
}

/// At most `max_bytes` of `text`, and a mark where something was left out.
fn shortened(mut text: String, max_bytes: usize) -> String {
    const MARK: char = '…';
    if text.len() > max_bytes {
        text.truncate(text.floor_char_boundary(max_bytes.saturating_sub(MARK.len_utf8())));
        text.push(MARK);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_longer_than_the_service_takes_is_shortened_between_characters() {
        for (text, kept) in [("x".repeat(1000), 1000), ("x".repeat(1001), 1000), ("ü".repeat(501), 999)] {
            let line = ProgressReport::new(1, text.clone()).line;
            assert_eq!((line.len(), line.ends_with('…')), (kept, text.len() > 1000));
        }
        let message = CommandResult::new(1, Outcome::Failed("€".repeat(2000))).message.unwrap();
        assert_eq!(message.chars().count(), 1333);
    }

    #[test]
    fn a_result_larger_than_the_service_takes_is_a_failure_that_says_so() {
        // The quotation marks count too.
        let fits = CommandResult::new(1, Outcome::Succeeded(json!("x".repeat(64 * 1024 - 2))));
        assert_eq!((fits.outcome, fits.message), ("succeeded", None));
        let large = CommandResult::new(1, Outcome::Succeeded(json!("x".repeat(64 * 1024 - 1))));
        assert_eq!((large.outcome, large.result), ("failed", Value::Null));
        assert!(large.message.unwrap().contains("65537 bytes"));
    }
}
