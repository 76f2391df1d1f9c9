//! A client's conversation without what must not leave for a model. JSON stays JSON: what it holds is looked at by its names.

use serde_json::{Map, Value, json};

use super::guard::Guard;
use super::request::Request;
use crate::model::{Message, Prompt, Tool, ToolCall};

/// Where JSON Schema gives values, and does not say what they are like.
const VALUES: [&str; 5] = ["const", "default", "enum", "example", "examples"];
/// Where the names are those of what is described, and no words of JSON Schema.
const NAMED_SCHEMAS: [&str; 5] = ["properties", "patternProperties", "dependentSchemas", "$defs", "definitions"];

/// The conversation as it may leave, on this account.
pub(super) fn prompt(guard: &dyn Guard, request: Request, account: String) -> Prompt {
    Prompt {
        account,
        model: Some(request.model),
        messages: request.messages.into_iter().map(|message| guarded_message(guard, message)).collect(),
        tools: request.tools.into_iter().map(|tool| guarded_tool(guard, tool)).collect(),
        max_output_tokens: request.max_output_tokens,
        is_private: false,
        options: guarded_options(guard, request.options),
    }
}

fn guarded_message(guard: &dyn Guard, message: Message) -> Message {
    match message {
        Message::System(text) => Message::System(guard.may_leave(&text)),
        Message::User(text) => Message::User(guard.may_leave(&text)),
        Message::Assistant { text, calls } => Message::Assistant {
            text: guard.may_leave(&text),
            calls: calls.into_iter().map(|call| guarded_call(guard, call)).collect(),
        },
        Message::ToolResult { call, content } => Message::ToolResult { call, content: guarded_result(guard, &content) },
    }
}

fn guarded_call(guard: &dyn Guard, call: ToolCall) -> ToolCall {
    let arguments = match serde_json::from_str::<Value>(&call.arguments) {
        Ok(value) => guard.json_may_leave(value).to_string(),
        Err(_) => guard.may_leave(&call.arguments),
    };
    ToolCall { arguments, ..call }
}

/// Most tools give JSON, and nobody says that one does. Where nothing is taken out it stays as it was written.
fn guarded_result(guard: &dyn Guard, content: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(content) else { return guard.may_leave(content) };
    let left = guard.json_may_leave(value.clone());
    if left == value { guard.may_leave(content) } else { left.to_string() }
}

fn guarded_tool(guard: &dyn Guard, tool: Tool) -> Tool {
    Tool {
        description: guard.may_leave(&tool.description),
        parameters: guarded_schema(guard, tool.parameters, ""),
        ..tool
    }
}

fn guarded_options(guard: &dyn Guard, options: Map<String, Value>) -> Map<String, Value> {
    let guarded = |(name, value): (String, Value)| {
        let value = match name.as_str() {
            "response_format" => guarded_schema(guard, value, ""),
            _ => guard.json_may_leave(value),
        };
        (name, value)
    };
    options.into_iter().map(guarded).collect()
}

/// That something is called `password` is no secret; what a schema gives as its default may be one. As deep as the JSON is, which
/// its reader has bounded.
fn guarded_schema(guard: &dyn Guard, schema: Value, described: &str) -> Value {
    match schema {
        Value::Object(members) => members
            .into_iter()
            .map(|(word, value)| {
                let value = match value {
                    Value::Object(schemas) if NAMED_SCHEMAS.contains(&word.as_str()) => schemas
                        .into_iter()
                        .map(|(name, schema)| {
                            let schema = guarded_schema(guard, schema, &name);
                            (name, schema)
                        })
                        .collect(),
                    Value::Array(values) if VALUES.contains(&word.as_str()) => {
                        values.into_iter().map(|value| guarded_value(guard, described, value)).collect()
                    }
                    value if VALUES.contains(&word.as_str()) => guarded_value(guard, described, value),
                    value => guarded_schema(guard, value, described),
                };
                (word, value)
            })
            .collect(),
        Value::Array(schemas) => schemas.into_iter().map(|schema| guarded_schema(guard, schema, described)).collect(),
        Value::String(text) => Value::String(guard.may_leave(&text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => schema,
    }
}

/// A value of what is called so.
fn guarded_value(guard: &dyn Guard, name: &str, value: Value) -> Value {
    let mut left = guard.json_may_leave(json!({ name: value }));
    left.get_mut(name).map(Value::take).unwrap_or_default()
}
