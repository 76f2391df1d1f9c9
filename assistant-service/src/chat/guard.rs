//! What stands between a client's own conversation and a model.

/// Takes out what must not leave for a model, and what must not come back from one.
pub trait Guard: Send + Sync {
    /// What of a text may leave.
    fn may_leave(&self, text: &str) -> String;

    /// A filter for what comes back in one answer.
    fn filter(&self) -> Box<dyn Filter>;
}

/// Lets an answer through piece by piece, and holds back what may become something that must not pass.
pub trait Filter: Send {
    /// What may go on now.
    fn pass(&mut self, piece: &str) -> String;

    /// What was held back and may go on after all, now that nothing comes any more.
    fn rest(&mut self) -> String;
}
