//! An assistant with a span around each of its answers, under which its calls of models and tools stand.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use opentelemetry::context::FutureExt as _;

use super::{Operation, Telemetry};
use crate::assistant::{Answer, Asked, Assistant, CannotAnswer, Progress};

/// An assistant that is watched. It answers what the assistant answers.
pub struct TracedAssistant {
    assistant: Arc<dyn Assistant>,
    telemetry: Telemetry,
}

impl TracedAssistant {
    /// Watches an assistant.
    #[must_use]
    pub fn new(assistant: Arc<dyn Assistant>, telemetry: Telemetry) -> Self {
        Self { assistant, telemetry }
    }
}

impl Assistant for TracedAssistant {
    fn answer(&self, asked: Asked, progress: Progress) -> BoxFuture<'_, Result<Answer, CannotAnswer>> {
        async move {
            let operation = Operation::of_answer(self.telemetry.clone());
            let answer = self.assistant.answer(asked, progress).with_context(operation.context()).await;
            match &answer {
                Ok(answer) => {
                    operation.note("watchgate.answer.known", answer.known);
                    operation.end();
                }
                Err(error) => operation.fail(error_type(error)),
            }
            answer
        }
        .boxed()
    }
}

fn error_type(error: &CannotAnswer) -> &'static str {
    match error {
        CannotAnswer::OverBudget { .. } => "over_budget",
        CannotAnswer::Internal(_) => "internal",
        CannotAnswer::StillReading => "still_reading",
    }
}
