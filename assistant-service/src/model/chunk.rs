//! A part of an answer as servers write it that call themselves compatible with OpenAI: whatever may be missing is missing
//! somewhere, and whatever may be of another type is. Nothing in a part makes it unreadable, as long as it is JSON.

use serde::Deserialize;
use serde_json::Value;

use super::Usage;

/// No answer comes near; whoever says more than this has counted something else.
const MOST_TOKENS: u64 = 1 << 32;

/// A part of an answer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(from = "Value")]
pub(super) struct Chunk {
    pub(super) text: String,
    /// Whether the text is the answer so far, where a part of a stream says only what is new.
    pub(super) is_message: bool,
    /// Whether the model thinks, which is no part of the answer and shows that it is there.
    pub(super) thinks: bool,
    pub(super) calls: Vec<CallFragment>,
    pub(super) finish: Option<String>,
    pub(super) usage: Option<Usage>,
    pub(super) error: Option<ErrorSaid>,
}

/// A call, or what comes next of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CallFragment {
    pub(super) index: Option<u64>,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
}

/// An error in the place of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ErrorSaid {
    pub(super) said: String,
    /// What of the request is named as its fault, at its top level.
    pub(super) parameter: Option<String>,
    /// Whether the conversation is at fault.
    pub(super) is_refusal: bool,
}

impl Chunk {
    /// Whether it shows that an answer comes; what is sent to keep a connection open does not.
    pub(super) fn goes_on(&self) -> bool {
        self.thinks || !self.text.is_empty() || !self.calls.is_empty() || self.finish.is_some() || self.usage.is_some()
    }
}

impl From<Value> for Chunk {
    fn from(value: Value) -> Self {
        let value = match value {
            // Some wrap an error into a list.
            Value::Array(items) => items.into_iter().next().unwrap_or_default(),
            value => value,
        };
        let choice = first_choice(&value);
        let usage = value.get("usage").and_then(usage);
        let error = error(&value, choice.is_some());
        let Some(choice) = choice else { return Self { usage, error, ..Self::default() } };
        let delta = choice.get("delta").filter(|delta| delta.is_object());
        let message = choice.get("message").filter(|message| message.is_object());
        let said = delta.or(message).unwrap_or(choice);
        let thinks = |key| said.get(key).is_some_and(|thought| !text(thought).is_empty());
        let content = said.get("content").or_else(|| said.get("text")).map(text).unwrap_or_default();
        let refusal = said.get("refusal").map(text).unwrap_or_default();
        Self {
            text: content + &refusal,
            is_message: delta.is_none() && message.is_some(),
            thinks: thinks("reasoning_content") || thinks("reasoning"),
            calls: calls(said),
            finish: choice
                .get("finish_reason")
                .and_then(Value::as_str)
                .filter(|reason| !reason.is_empty())
                .map(str::to_owned),
            usage,
            error,
        }
    }
}

fn first_choice(value: &Value) -> Option<&Value> {
    match value.get("choices")? {
        Value::Array(choices) => choices
            .iter()
            .find(|choice| choice.is_object() && choice.get("index").and_then(Value::as_u64).unwrap_or_default() == 0),
        choice @ Value::Object(_) => Some(choice),
        _ => None,
    }
}

/// A text, or what is text in a list of parts.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text).collect(),
        Value::Object(part) => match part.get("type").and_then(Value::as_str) {
            None | Some("text" | "output_text") => part.get("text").map(text).unwrap_or_default(),
            Some(_) => String::new(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

fn calls(said: &Value) -> Vec<CallFragment> {
    let calls = match said.get("tool_calls") {
        Some(Value::Array(calls)) => calls.iter().collect(),
        Some(call @ Value::Object(_)) => vec![call],
        _ => Vec::new(),
    };
    let calls: Vec<_> = calls.into_iter().filter(|call| call.is_object()).map(fragment).collect();
    if !calls.is_empty() {
        // Some say the same call in the old form as well.
        return calls;
    }
    let old_form = said.get("function_call").filter(|call| call.is_object());
    old_form.map(|function| CallFragment { index: Some(0), ..fragment(function) }).into_iter().collect()
}

fn fragment(call: &Value) -> CallFragment {
    let function = call.get("function").filter(|function| function.is_object()).unwrap_or(call);
    let arguments = match function.get("arguments") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let id = match call.get("id") {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => String::new(),
    };
    let name = function.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    CallFragment { index: call.get("index").and_then(Value::as_u64), id, name, arguments }
}

fn usage(usage: &Value) -> Option<Usage> {
    let count = |names: [&str; 2]| {
        let counted = names.iter().find_map(|name| usage.get(name))?;
        let counted = counted.as_u64().or_else(|| counted.as_f64().map(|counted| counted as u64));
        counted.filter(|counted| (1..MOST_TOKENS).contains(counted))
    };
    let input_tokens = count(["prompt_tokens", "input_tokens"])?;
    Some(Usage { input_tokens, output_tokens: count(["completion_tokens", "output_tokens"])?, is_estimate: false })
}

fn error(value: &Value, is_answer: bool) -> Option<ErrorSaid> {
    let told = match value.get("error") {
        Some(Value::String(said)) if !said.is_empty() => value.get("error"),
        Some(Value::Object(error)) if !error.is_empty() => value.get("error"),
        Some(Value::Bool(true)) => Some(value),
        _ if value.get("object").and_then(Value::as_str) == Some("error") => Some(value),
        _ if !is_answer => value.get("detail").filter(|detail| !detail.is_null()),
        _ => None,
    }?;
    let said = ["message", "detail"].iter().find_map(|name| told.get(name)?.as_str()).or_else(|| told.as_str());
    let said = said.map_or_else(|| told.to_string(), str::to_owned);
    let number = ["code", "status"].iter().find_map(|name| told.get(name)?.as_u64());
    let kind = told.get("type").and_then(Value::as_str);
    let is_refusal =
        matches!(number, Some(400 | 413 | 422)) || (number.is_none() && kind == Some("invalid_request_error"));
    Some(ErrorSaid { said, parameter: parameter(told), is_refusal })
}

/// The member that an error is about: as OpenAI says it, or as the many do that check requests by Pydantic.
fn parameter(told: &Value) -> Option<String> {
    if let Some(parameter) = told.get("param").and_then(Value::as_str) {
        return Some(parameter.to_owned());
    }
    let details = told.as_array().or_else(|| told.get("message")?.get("detail")?.as_array())?;
    let forbidden =
        details.iter().find(|detail| detail.get("type").and_then(Value::as_str) == Some("extra_forbidden"))?;
    match forbidden.get("loc")?.as_array()?.as_slice() {
        [within, Value::String(name)] if within == "body" => Some(name.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
