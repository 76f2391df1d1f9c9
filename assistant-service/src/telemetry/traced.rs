//! A model with a span around each of its answers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};

use super::{Named, Operation, Telemetry, content};
use crate::model::{EndReason, Model, ModelError, Piece, Prompt, ToolCall};

/// As much of an answer is kept for a span that may tell it.
const LONGEST_KEPT: usize = 16 * 1024;
const MOST_CALLS_KEPT: usize = 32;

/// A model that is watched. It says what the model says.
pub struct Traced {
    model: Arc<dyn Model>,
    telemetry: Telemetry,
    named: Arc<[Named]>,
}

impl Traced {
    /// Watches models that are asked for by these names, the first choice first.
    #[must_use]
    pub fn new(model: Arc<dyn Model>, telemetry: Telemetry, named: Vec<Named>) -> Self {
        Self { model, telemetry, named: named.into() }
    }

    /// The one that is asked, or asked first.
    fn asked(&self, wanted: Option<&str>) -> Named {
        let named = match wanted {
            Some(wanted) => find(&self.named, wanted),
            None => self.named.first(),
        };
        // What nobody configured is a client's word, and no name of a span.
        let unknown = || Named { provider: "openai".to_owned(), model: "unknown".to_owned(), server: None };
        named.cloned().unwrap_or_else(unknown)
    }
}

impl Model for Traced {
    fn complete(&self, prompt: Prompt) -> BoxStream<'static, Result<Piece, ModelError>> {
        let operation = Operation::of_chat(self.telemetry.clone(), &self.asked(prompt.model.as_deref()));
        if let Some(most) = prompt.max_output_tokens {
            operation.note("gen_ai.request.max_tokens", i64::from(most));
        }
        if operation.tells_content() {
            operation.note("gen_ai.input.messages", content::input(&prompt.messages));
        }
        let pieces = self.model.complete(prompt);
        let named = Arc::clone(&self.named);
        Watched { pieces, operation: Some(operation), named, text: String::new(), calls: Vec::new() }.boxed()
    }

    fn names(&self) -> Vec<String> {
        self.model.names()
    }
}

/// The pieces on their way.
struct Watched {
    pieces: BoxStream<'static, Result<Piece, ModelError>>,
    operation: Option<Operation>,
    named: Arc<[Named]>,
    text: String,
    calls: Vec<ToolCall>,
}

impl Stream for Watched {
    type Item = Result<Piece, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = ready!(self.pieces.poll_next_unpin(context));
        self.note(piece.as_ref());
        Poll::Ready(piece)
    }
}

impl Watched {
    fn note(&mut self, piece: Option<&Result<Piece, ModelError>>) {
        let tells_content = self.operation.as_ref().is_some_and(Operation::tells_content);
        match piece {
            Some(Ok(Piece::Text(text))) if tells_content && self.text.len() < LONGEST_KEPT => self.text.push_str(text),
            Some(Ok(Piece::Call(call))) if tells_content && self.calls.len() < MOST_CALLS_KEPT => {
                self.calls.push(call.clone());
            }
            Some(Ok(Piece::Text(_) | Piece::Call(_))) => {}
            Some(Ok(Piece::End(end))) => {
                let Some(mut operation) = self.operation.take() else { return };
                let reason = finish_reason(end.reason);
                operation.note_list("gen_ai.response.finish_reasons", reason);
                operation.note_answering(&end.model, find(&self.named, &end.model));
                if tells_content {
                    operation.note("gen_ai.output.messages", content::output(&self.text, &self.calls, reason));
                }
                operation.end_with_usage(end.usage);
            }
            Some(Err(error)) => self.fail(error_type(error)),
            // A stream that is over without an end was cut.
            None => self.fail("cut_off"),
        }
    }

    fn fail(&mut self, error_type: &'static str) {
        if let Some(operation) = self.operation.take() {
            operation.fail(error_type);
        }
    }
}

fn find<'n>(named: &'n [Named], model: &str) -> Option<&'n Named> {
    named.iter().find(|named| named.model == model)
}

fn finish_reason(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Stop => "stop",
        EndReason::Length => "length",
        EndReason::ToolCalls => "tool_calls",
        EndReason::ContentFilter => "content_filter",
    }
}

/// What a server said stays here: it may repeat what was asked.
fn error_type(error: &ModelError) -> &'static str {
    match error {
        ModelError::OverBudget { .. } => "over_budget",
        ModelError::NotConfigured => "not_configured",
        ModelError::Unavailable(_) => "unavailable",
        ModelError::TimedOut => "timeout",
        ModelError::CutOff => "cut_off",
        ModelError::Refused(_) => "refused",
        ModelError::Malformed(_) => "malformed",
        ModelError::TooLarge => "too_large",
    }
}
