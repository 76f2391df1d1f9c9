//! Before the documents have been looked through, no question is answered: that nothing is known would be a lie. Nor is one when
//! nobody looks at them any more: they may be for fewer readers by now.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt, ready};

use super::{Answer, Asked, Assistant, CannotAnswer, Progress};
use crate::knowledge::{CurrentKnowledge, is_followed};

/// An assistant that says so until then.
pub(crate) struct AwaitingDocuments {
    documents: CurrentKnowledge,
    assistant: Arc<dyn Assistant>,
}

impl AwaitingDocuments {
    /// The assistant stands on these documents.
    pub(crate) fn new(documents: CurrentKnowledge, assistant: Arc<dyn Assistant>) -> Self {
        Self { documents, assistant }
    }
}

impl Assistant for AwaitingDocuments {
    fn answer(&self, asked: Asked, progress: Progress) -> BoxFuture<'_, Result<Answer, CannotAnswer>> {
        if self.documents.borrow().is_read() && is_followed(&self.documents) {
            self.assistant.answer(asked, progress)
        } else {
            ready(Err(CannotAnswer::StillReading)).boxed()
        }
    }
}
