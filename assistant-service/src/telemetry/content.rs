//! Conversations as the conventions write them into attributes: only where the settings let them leave.

use serde_json::{Value, json};

use super::room::Room;
use crate::model::{Message, ToolCall};

/// One span's content: a collector is no archive. Both together are 64 KiB.
const INPUT_BYTES: usize = 40 * 1024;
const OUTPUT_BYTES: usize = 24 * 1024;

/// The last turns of a conversation, as far as there is room.
pub(super) fn input(messages: &[Message]) -> String {
    let mut room = Room::of(INPUT_BYTES);
    let mut last: Vec<Value> = messages.iter().rev().map_while(|one| message(one, &mut room)).collect();
    last.reverse();
    Value::Array(last).to_string()
}

/// What a model said and called, as far as there is room.
pub(super) fn output(text: &str, calls: &[ToolCall], finish_reason: &str) -> String {
    let mut room = Room::of(OUTPUT_BYTES);
    json!([{"role": "assistant", "parts": parts(text, calls, &mut room), "finish_reason": finish_reason}]).to_string()
}

fn message(message: &Message, room: &mut Room) -> Option<Value> {
    room.open()?;
    Some(match message {
        Message::System(text) => json!({"role": "system", "parts": parts(text, &[], room)}),
        Message::User(text) => json!({"role": "user", "parts": parts(text, &[], room)}),
        Message::Assistant { text, calls } => json!({"role": "assistant", "parts": parts(text, calls, room)}),
        Message::ToolResult { call, content } => {
            let (id, response) = (room.take(call), room.take(content));
            json!({"role": "tool", "parts": [{"type": "tool_call_response", "id": id, "response": response}]})
        }
    })
}

fn parts(text: &str, calls: &[ToolCall], room: &mut Room) -> Vec<Value> {
    let text = (!text.is_empty()).then(|| json!({"type": "text", "content": room.take(text)}));
    let calls = calls.iter().map_while(|call| {
        room.open()?;
        let (id, name) = (room.take(&call.id), room.take(&call.name));
        Some(json!({"type": "tool_call", "id": id, "name": name, "arguments": room.take(&call.arguments)}))
    });
    text.into_iter().chain(calls).collect()
}
