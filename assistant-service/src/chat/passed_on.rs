//! Conversations that clients lead themselves, with the models of the settings: what they say passes the guard on its way out, and what
//! comes back passes it again. Calls of tools go back to the client, whose tools they are.

use std::sync::Arc;

use futures_util::StreamExt;
use serde_json::{Map, Value};

use super::completions::Pieces;
use super::guard::Guard;
use super::refusal::Refusal;
use super::request::Request;
use crate::model::{Message, Model, ModelError, Piece, Prompt, Tool, ToolCall};

/// Models that can be talked to. There are none without a guard.
pub struct PassedOn {
    model: Arc<dyn Model>,
    guard: Arc<dyn Guard>,
}

/// One conversation, ready to leave.
pub(super) struct Talk {
    prompt: Prompt,
    model: Arc<dyn Model>,
    guard: Arc<dyn Guard>,
}

impl PassedOn {
    /// These models, behind this guard.
    #[must_use]
    pub fn new(model: Arc<dyn Model>, guard: Arc<dyn Guard>) -> Self {
        Self { model, guard }
    }

    /// Their names; the assistant's own is not among them.
    pub(super) fn names(&self) -> Vec<String> {
        self.model.names().into_iter().filter(|name| name != super::ASSISTANT).collect()
    }

    /// A conversation of this account, without what must not leave.
    pub(super) fn talk(&self, request: Request, account: &str) -> Talk {
        let guard = &*self.guard;
        let prompt = Prompt {
            account: account.to_owned(),
            model: Some(request.model),
            messages: request.messages.into_iter().map(|message| guarded_message(guard, message)).collect(),
            tools: request.tools.into_iter().map(|tool| guarded_tool(guard, tool)).collect(),
            max_output_tokens: request.max_output_tokens,
            options: guarded_members(guard, request.options),
        };
        Talk { prompt, model: Arc::clone(&self.model), guard: Arc::clone(&self.guard) }
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
        Message::ToolResult { call, content } => Message::ToolResult { call, content: guard.may_leave(&content) },
    }
}

/// Within JSON it is the strings that are looked at, so that JSON stays JSON.
fn guarded_call(guard: &dyn Guard, call: ToolCall) -> ToolCall {
    let arguments = match serde_json::from_str::<Value>(&call.arguments) {
        Ok(value) => guarded_value(guard, value).to_string(),
        Err(_) => guard.may_leave(&call.arguments),
    };
    ToolCall { arguments, ..call }
}

fn guarded_tool(guard: &dyn Guard, tool: Tool) -> Tool {
    let Tool { name, description, parameters } = tool;
    Tool { name, description: guard.may_leave(&description), parameters: guarded_value(guard, parameters) }
}

fn guarded_members(guard: &dyn Guard, members: Map<String, Value>) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name, guarded_value(guard, value))).collect()
}

/// As deep as the JSON is, which its reader has bounded.
fn guarded_value(guard: &dyn Guard, value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(guard.may_leave(&text)),
        Value::Array(values) => values.into_iter().map(|value| guarded_value(guard, value)).collect(),
        Value::Object(members) => Value::Object(guarded_members(guard, members)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// Hands on what the model says.
pub(super) async fn speak(talk: Talk, pieces: Pieces) -> Result<(), Refusal> {
    let mut filter = talk.guard.filter();
    let mut said = talk.model.complete(talk.prompt);
    while let Some(piece) = said.next().await {
        match piece? {
            Piece::Text(text) => send_text(&pieces, filter.pass(&text)).await,
            Piece::Call(call) => send(&pieces, Piece::Call(call)).await,
            Piece::End(end) => {
                send_text(&pieces, filter.rest()).await;
                send(&pieces, Piece::End(end)).await;
                return Ok(());
            }
        }
    }
    Err(ModelError::CutOff.into())
}

async fn send_text(pieces: &Pieces, text: String) {
    if !text.is_empty() {
        send(pieces, Piece::Text(text)).await;
    }
}

/// A listener who is gone is seen by whoever runs this, which is dropped then.
async fn send(pieces: &Pieces, piece: Piece) {
    let _ = pieces.send(Ok(piece)).await;
}
