//! OpenAI's wire format, so that what speaks it need not learn ours. `watchgate` is the assistant, with all its checks; the models of
//! the settings can be talked to by their names, with the client's own messages and tools. Nothing is answered here: either the
//! assistant does it or a model, and what a model is sent and says passes a [`Guard`].

mod coming;
pub(crate) mod completions;
mod defended;
mod grounded;
mod guard;
mod guarded;
pub(crate) mod models;
mod passed_on;
mod refusal;
mod request;
mod shape;
mod whole;
mod written;

#[cfg(test)]
mod tests;

pub(crate) use defended::Defended;
pub use guard::{Filter, Guard};
pub use passed_on::PassedOn;
pub(crate) use shape::in_their_shape;

/// The assistant's name among the models.
pub(crate) const ASSISTANT: &str = "watchgate";
