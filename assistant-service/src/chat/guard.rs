//! What stands between a client's own conversation and a model.

use serde_json::Value;

/// Takes out what must not leave for a model, and what must not come back from one.
pub trait Guard: Send + Sync {
    /// What of a text may leave.
    fn may_leave(&self, text: &str) -> String;

    /// What of JSON may leave. It knows what a value is called, and what leaves is JSON of the same shape.
    fn json_may_leave(&self, value: Value) -> Value;

    /// A filter for what comes back in one answer, as Markdown.
    fn filter(&self) -> Box<dyn Filter>;

    /// What may come back of an answer in JSON.
    fn json_may_come(&self, value: Value) -> Value;
}

/// Lets an answer through piece by piece, and holds back what may become something that must not pass.
pub trait Filter: Send {
    /// What may go on now.
    fn pass(&mut self, piece: &str) -> String;

    /// What was held back and may go on after all, now that nothing comes any more.
    fn rest(&mut self) -> String;
}
