//! Conversations as the conventions write them into attributes: only where the settings let them leave.

use serde_json::{Value, json};

use crate::model::{Message, ToolCall};

/// A collector is no archive: what is longer is cut.
const LONGEST_TEXT: usize = 16 * 1024;
const MOST_MESSAGES: usize = 64;

/// The last turns of a conversation.
pub(super) fn input(messages: &[Message]) -> String {
    let first = messages.len().saturating_sub(MOST_MESSAGES);
    Value::Array(messages.iter().skip(first).map(message).collect()).to_string()
}

/// What a model said and called.
pub(super) fn output(text: &str, calls: &[ToolCall], finish_reason: &str) -> String {
    let parts = parts(text, calls);
    json!([{"role": "assistant", "parts": parts, "finish_reason": finish_reason}]).to_string()
}

fn message(message: &Message) -> Value {
    match message {
        Message::System(text) => json!({"role": "system", "parts": parts(text, &[])}),
        Message::User(text) => json!({"role": "user", "parts": parts(text, &[])}),
        Message::Assistant { text, calls } => json!({"role": "assistant", "parts": parts(text, calls)}),
        Message::ToolResult { call, content } => {
            json!({"role": "tool", "parts": [{"type": "tool_call_response", "id": call, "response": cut(content)}]})
        }
    }
}

fn parts(text: &str, calls: &[ToolCall]) -> Vec<Value> {
    let text = (!text.is_empty()).then(|| json!({"type": "text", "content": cut(text)}));
    let calls = calls
        .iter()
        .map(|call| json!({"type": "tool_call", "id": call.id, "name": call.name, "arguments": cut(&call.arguments)}));
    text.into_iter().chain(calls).collect()
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST_TEXT)).unwrap_or(text)
}
