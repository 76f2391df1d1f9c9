//! Asks the assistant about an insight. Whatever becomes of that, there is a finding: the events have come in all the same.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Semaphore;

use super::finding::{Finding, WhyUnknown};
use super::watch::Watch;
use crate::assistant::{Asked, Asker, CannotAnswer, Progress};
use crate::state::AppState;

/// Questions of all watches at once: people who ask come first.
pub(super) const AT_ONCE: usize = 2;

/// Nobody waits for an insight at a screen, and a model with tools may take its time.
const PATIENCE: Duration = Duration::from_secs(90);

/// Asks once. What failed is not asked again: the insight says that it is unknown, and why.
pub(super) async fn ask(state: &AppState, watch: &Watch, question: String, seats: &Semaphore) -> Finding {
    let Ok(_seat) = seats.acquire().await else { return Finding::unknown(WhyUnknown::AssistantFailed) };
    let asker = Asker { principal: watch.principal(), scopes: watch.scopes.iter().cloned().collect() };
    let asked = Asked { question, earlier: Vec::new(), asker };
    let answering = async {
        state.documents_are_there().await;
        state.assistant.answer(asked, Progress::default()).await
    };
    let answering = AssertUnwindSafe(answering).catch_unwind();
    match tokio::time::timeout(PATIENCE, answering).await {
        Ok(Ok(Ok(answer))) => Finding::of(answer, watch, &*state.runbooks),
        Ok(Ok(Err(CannotAnswer::OverBudget { .. }))) => Finding::unknown(WhyUnknown::OverBudget),
        Ok(Ok(Err(CannotAnswer::Internal(cause)))) => {
            tracing::error!(watch = watch.name, error = %format!("{cause:#}"), "the assistant failed");
            Finding::unknown(WhyUnknown::AssistantFailed)
        }
        Ok(Err(_)) => {
            tracing::error!(watch = watch.name, "the assistant ended by a panic");
            Finding::unknown(WhyUnknown::AssistantFailed)
        }
        Ok(Ok(Err(CannotAnswer::StillReading))) | Err(_) => Finding::unknown(WhyUnknown::TookTooLong),
    }
}
