//! An answer at once.

use futures_util::stream::{Stream, StreamExt};
use serde::Serialize;
use utoipa::ToSchema;

use super::completions::Head;
use super::refusal::Refusal;
use crate::model::{EndReason, ModelError, Piece, ToolCall, Usage};

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Completion {
    /// `chatcmpl-` and the answer's own id.
    id: String,
    /// `chat.completion`.
    object: &'static str,
    created: i64,
    model: String,
    choices: [Choice; 1],
    usage: UsageObject,
}

/// The only answer.
#[derive(Debug, Serialize, ToSchema)]
struct Choice {
    index: u32,
    message: MessageObject,
    #[schema(value_type = Option<Object>)]
    logprobs: (),
    /// `stop`, `length`, `tool_calls` or `content_filter`.
    finish_reason: &'static str,
}

/// What is said.
#[derive(Debug, Serialize, ToSchema)]
struct MessageObject {
    /// `assistant`.
    role: &'static str,
    content: Option<String>,
    #[schema(value_type = Option<Object>)]
    refusal: (),
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallObject>,
}

/// A call that the client carries out, or does not.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CallObject {
    id: String,
    /// `function`.
    #[serde(rename = "type")]
    kind: &'static str,
    function: FunctionObject,
}

/// Which function is called, and with what.
#[derive(Debug, Serialize, ToSchema)]
struct FunctionObject {
    name: String,
    /// Text that should be a JSON object, and need not be.
    arguments: String,
}

/// What it took, in tokens; an estimate where nobody counted them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct UsageObject {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

impl From<Usage> for UsageObject {
    fn from(usage: Usage) -> Self {
        let Usage { input_tokens, output_tokens, .. } = usage;
        let total_tokens = input_tokens.saturating_add(output_tokens);
        Self { prompt_tokens: input_tokens, completion_tokens: output_tokens, total_tokens }
    }
}

impl From<ToolCall> for CallObject {
    fn from(call: ToolCall) -> Self {
        let function = FunctionObject { name: call.name, arguments: call.arguments };
        Self { id: call.id, kind: "function", function }
    }
}

/// Their word for how an answer ended.
pub(super) fn finish_reason(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Stop => "stop",
        EndReason::Length => "length",
        EndReason::ToolCalls => "tool_calls",
        EndReason::ContentFilter => "content_filter",
    }
}

/// The answer, once it has come to its end.
pub(super) async fn gathered(
    head: Head,
    pieces: impl Stream<Item = Result<Piece, Refusal>>,
) -> Result<Completion, Refusal> {
    let mut pieces = std::pin::pin!(pieces);
    let (mut text, mut tool_calls) = (String::new(), Vec::new());
    while let Some(piece) = pieces.next().await {
        match piece? {
            Piece::Text(more) => text.push_str(&more),
            Piece::Call(call) => tool_calls.push(CallObject::from(call)),
            Piece::End(end) => {
                let content = (tool_calls.is_empty() || !text.is_empty()).then_some(text);
                let message = MessageObject { role: "assistant", content, refusal: (), tool_calls };
                let choice = Choice { index: 0, message, logprobs: (), finish_reason: finish_reason(end.reason) };
                return Ok(Completion {
                    id: head.name(),
                    object: "chat.completion",
                    created: head.created,
                    model: head.model,
                    choices: [choice],
                    usage: end.usage.into(),
                });
            }
        }
    }
    Err(ModelError::CutOff.into())
}

impl Head {
    /// The answer's id as it is told.
    pub(super) fn name(&self) -> String {
        format!("chatcmpl-{}", self.id)
    }
}
