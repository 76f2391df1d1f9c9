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
    /// How long it may take, counted from the first heartbeat.
    pub timeout_seconds: u64,
    /// SHA-256 of the runbook as the service has it; empty when the service is too old to say it.
    #[serde(default)]
    pub runbook_digest: String,
    /// Whether it is only to be said what would be done.
    #[serde(default)]
    pub dry_run: bool,
    /// How often it has been begun, this time included.
    #[serde(default)]
    pub attempt: u32,
    /// Names the lease, for an agent that writes down what it has begun and tells it late ([`crate::Gateway::late_result`]).
    #[serde(skip)]
    pub fence: u64,
}

/// How a command ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Done, with what there is to tell, up to 64 KiB of JSON.
    Succeeded(Value),
    /// Not done, with the reason in one sentence, of which the first 4,000 bytes are kept.
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

impl ProgressReport {
    pub(crate) fn new(percent: u8, line: String) -> Self {
        Self { percent: percent.min(100), line: shortened(line, MAX_LINE_BYTES) }
    }
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
            Outcome::Succeeded(result) => {
                let bytes = result.to_string().len();
                if bytes > MAX_RESULT_BYTES {
                    return Self::failed(
                        fence,
                        format!(
                            "it was carried out, but its result has {bytes} bytes and may have {MAX_RESULT_BYTES}, so it was not kept"
                        ),
                    );
                }
                Self { fence, outcome: "succeeded", result, message: None }
            }
            Outcome::Failed(message) => Self::failed(fence, message),
        }
    }

    fn failed(fence: u64, message: String) -> Self {
        let message = Some(shortened(message, MAX_MESSAGE_BYTES));
        Self { fence, outcome: "failed", result: Value::Null, message }
    }
}

/// A refusal, as far as it matters here (RFC 9457).
#[derive(Debug, Deserialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    problem_type: String,
}

impl Problem {
    /// Whether `body` says that the lease belongs to somebody else, or that the command has ended.
    pub(crate) fn says_lease_is_lost(body: &[u8]) -> bool {
        let final_types = ["urn:watchgate:problem:stale-fence", "urn:watchgate:problem:wrong-state"];
        serde_json::from_slice(body).is_ok_and(|Self { problem_type }| final_types.contains(&problem_type.as_str()))
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
