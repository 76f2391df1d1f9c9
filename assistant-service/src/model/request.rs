//! A conversation as OpenAI's chat completions take it. Only what every server knows stands in it, and what the caller chose.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::dialect::Dialect;
use super::settings::ModelSettings;
use super::{Message, Prompt, Tool, ToolCall};

/// A request, to be written as JSON.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    messages: Vec<MessageBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolBody<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(flatten)]
    options: BTreeMap<&'a str, &'a Value>,
}

/// What is ours to say, whatever the caller chose.
const OURS: [&str; 9] =
    ["max_completion_tokens", "max_tokens", "messages", "model", "n", "stream", "stream_options", "tools", "functions"];

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Debug, Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
enum MessageBody<'a> {
    System {
        content: &'a str,
    },
    User {
        content: &'a str,
    },
    Assistant {
        /// `null` beside calls where nothing was said: some take no empty text, and some no answer without `content`.
        content: Option<&'a str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<CallBody<'a>>,
    },
    Tool {
        tool_call_id: &'a str,
        content: &'a str,
    },
}

#[derive(Debug, Serialize)]
struct CallBody<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: CalledFunction<'a>,
}

#[derive(Debug, Serialize)]
struct CalledFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Debug, Serialize)]
struct ToolBody<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: FunctionBody<'a>,
}

#[derive(Debug, Serialize)]
struct FunctionBody<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
    /// Not every server knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'a> Request<'a> {
    pub(super) fn of(prompt: &'a Prompt, settings: &'a ModelSettings, dialect: Dialect) -> Self {
        let limit = output_limit(prompt, settings);
        let options = prompt.options.iter().map(|(name, value)| (name.as_str(), value));
        let options: BTreeMap<_, _> = options.filter(|(name, _)| !OURS.contains(name)).collect();
        Self {
            model: &settings.model,
            messages: prompt.messages.iter().map(MessageBody::of).collect(),
            tools: prompt.tools.iter().map(ToolBody::of).collect(),
            stream: true,
            stream_options: (!dialect.is_uncounted).then_some(StreamOptions { include_usage: true }),
            max_tokens: (!dialect.has_new_limit).then_some(limit),
            max_completion_tokens: dialect.has_new_limit.then_some(limit),
            temperature: settings.temperature.filter(|_| !options.contains_key("temperature")),
            options,
        }
    }
}

/// The longest answer in tokens.
pub(super) fn output_limit(prompt: &Prompt, settings: &ModelSettings) -> u32 {
    prompt.max_output_tokens.unwrap_or(u32::MAX).min(settings.max_output_tokens)
}

/// How much is sent of a conversation, in bytes, without what is around it.
pub(super) fn input_bytes(prompt: &Prompt) -> usize {
    let call = |call: &ToolCall| call.name.len().saturating_add(call.arguments.len());
    let message = |message: &Message| match message {
        Message::System(text) | Message::User(text) | Message::ToolResult { content: text, .. } => text.len(),
        Message::Assistant { text, calls } => calls.iter().map(call).fold(text.len(), usize::saturating_add),
    };
    let tool = |tool: &Tool| {
        tool.name.len().saturating_add(tool.description.len()).saturating_add(tool.parameters.to_string().len())
    };
    let option = |(name, value): (&String, &Value)| name.len().saturating_add(value.to_string().len());
    let (messages, tools) = (prompt.messages.iter().map(message), prompt.tools.iter().map(tool));
    messages.chain(tools).chain(prompt.options.iter().map(option)).fold(0, usize::saturating_add)
}

impl<'a> MessageBody<'a> {
    fn of(message: &'a Message) -> Self {
        match message {
            Message::System(content) => Self::System { content },
            Message::User(content) => Self::User { content },
            Message::Assistant { text, calls } => Self::Assistant {
                content: (!text.is_empty() || calls.is_empty()).then_some(text),
                tool_calls: calls.iter().map(CallBody::of).collect(),
            },
            Message::ToolResult { call, content } => Self::Tool { tool_call_id: call, content },
        }
    }
}

impl<'a> CallBody<'a> {
    fn of(call: &'a ToolCall) -> Self {
        // Servers read the arguments of earlier calls, and some fail at what is no object. What the model wrote instead it
        // learns from the call's result.
        let is_object = matches!(serde_json::from_str(&call.arguments), Ok(Value::Object(_)));
        let arguments = if is_object { &call.arguments } else { "{}" };
        Self { id: &call.id, kind: "function", function: CalledFunction { name: &call.name, arguments } }
    }
}

impl<'a> ToolBody<'a> {
    fn of(tool: &'a Tool) -> Self {
        let Tool { name, description, parameters, strict } = tool;
        let function = FunctionBody { name, description, parameters, strict: *strict };
        Self { kind: "function", function }
    }
}
