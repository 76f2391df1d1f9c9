//! OpenAI's rules for a file of examples, held before anything is sent: an upload that is refused after minutes, or a job that
//! fails in its first hour, says the same later and for money.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

/// Fewer examples are refused.
pub(crate) const FEWEST_EXAMPLES: usize = 10;
/// A file may have so much.
pub(crate) const MOST_BYTES: usize = 512 * 1024 * 1024;

/// Why a file is of no use.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum InvalidExamples {
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("it has more than 512 MiB")]
    TooLarge,
    #[error("it has {0} examples, and the least is {FEWEST_EXAMPLES}")]
    TooFew(usize),
    #[error("line {line}: {what}")]
    Line { line: usize, what: String },
}

/// One line.
#[derive(Deserialize)]
struct Example {
    messages: Vec<Map<String, Value>>,
}

/// How many examples a file has, when each is one.
pub(crate) fn count(bytes: &[u8], fewest: usize) -> Result<usize, InvalidExamples> {
    if bytes.len() > MOST_BYTES {
        return Err(InvalidExamples::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| InvalidExamples::NotUtf8)?;
    let mut examples = 0_usize;
    for (line, text) in (1_usize..).zip(text.lines()) {
        check(text).map_err(|what| InvalidExamples::Line { line, what })?;
        examples = examples.saturating_add(1);
    }
    if examples < fewest { Err(InvalidExamples::TooFew(examples)) } else { Ok(examples) }
}

fn check(line: &str) -> Result<(), String> {
    let example: Example = serde_json::from_str(line).map_err(|error| format!("it is no example: {error}"))?;
    let mut said = BTreeSet::new();
    for (at, message) in (0_usize..).zip(&example.messages) {
        let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
        if !matches!(role, "system" | "developer" | "user" | "assistant" | "tool") {
            return Err(format!("message {at} has no role that there is: {role:?}"));
        }
        let has_text = message.get("content").and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
        let has_calls = role == "assistant" && message.get("tool_calls").and_then(Value::as_array).is_some();
        if !has_text && !has_calls {
            return Err(format!("message {at} says nothing"));
        }
        said.insert(role);
    }
    let last = example.messages.last().and_then(|message| message.get("role")).and_then(Value::as_str);
    if !said.contains("user") {
        Err("nobody asks: there is no message of the user".to_owned())
    } else if last != Some("assistant") {
        Err("the last message must be the assistant's".to_owned())
    } else {
        Ok(())
    }
}

/// The questions that stand in both files.
pub(crate) fn shared_questions(train: &[u8], validation: &[u8]) -> usize {
    let questions = |bytes: &[u8]| -> BTreeSet<String> {
        let lines = bytes.split(|byte| *byte == b'\n');
        lines.filter_map(question).collect()
    };
    questions(train).intersection(&questions(validation)).count()
}

fn question(line: &[u8]) -> Option<String> {
    let example: Example = serde_json::from_slice(line).ok()?;
    let asks = |message: &&Map<String, Value>| message.get("role").and_then(Value::as_str) == Some("user");
    let said = example.messages.iter().filter(asks).filter_map(|message| message.get("content")?.as_str());
    Some(said.collect::<Vec<_>>().join("\n"))
}
