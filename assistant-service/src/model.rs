//! A language model as a port: a conversation goes in; pieces of text, calls of tools and an end that is said come out.
//!
//! Whatever comes from a model is somebody else's text. Nothing of it is an answer before `assistant` has checked it, and
//! nothing of it ever acts.

mod attempt;
mod budget;
mod calls;
mod chunk;
mod completion;
mod credentials;
mod dialect;
mod endpoint;
mod failure;
mod frames;
mod metrics;
mod open_ai;
mod request;
mod rest;
mod settings;
mod speech;
mod taken;

use std::time::Duration;

use futures_util::stream::BoxStream;
use serde_json::{Map, Value};
use thiserror::Error;

pub use metrics::ModelMetrics;
pub use open_ai::{CannotOpen, OpenAiModels};
pub(crate) use settings::Server;
pub use settings::{InvalidSettings, ModelsSettings};

/// Something that goes on with a conversation.
pub trait Model: Send + Sync {
    /// Goes on with it, on somebody's account. A stream that comes to its end says [`Piece::End`] last, or an error; one that
    /// is dropped is cancelled where the model runs.
    fn complete(&self, prompt: Prompt) -> BoxStream<'static, Result<Piece, ModelError>>;

    /// Which models there are, by their names in the settings, the first choice first.
    fn names(&self) -> Vec<String>;
}

/// A conversation so far.
#[derive(Clone, Debug, Default)]
pub struct Prompt {
    /// On whose account, as the principal's URI: budgets are kept by it. It is never sent to a model.
    pub account: String,
    /// Which model alone is meant, one of [`Model::names`]; without it whichever answers first.
    pub model: Option<String>,
    /// From the first one to the last one.
    pub messages: Vec<Message>,
    /// What may be called.
    pub tools: Vec<Tool>,
    /// The longest answer, in tokens, where it is bounded beyond what the settings say.
    pub max_output_tokens: Option<u32>,
    /// Whether nothing of the conversation may stand in a log: then what a server says in an error does not either, since it may be
    /// what it was sent.
    pub is_private: bool,
    /// What else a client of OpenAI's wire format chose, by its names there, such as `temperature`: checked, and to go to the model
    /// as it is.
    pub options: Map<String, Value>,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// What the model is told to do.
    System(String),
    /// What somebody asks.
    User(String),
    /// What the model said before, and what it called.
    Assistant {
        /// The text; empty where it only called.
        text: String,
        /// The calls, in their order.
        calls: Vec<ToolCall>,
    },
    /// What a call gave.
    ToolResult {
        /// The call's id.
        call: String,
        /// What it gave.
        content: String,
    },
}

/// A tool that a model may call.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its name: letters, digits and `_`.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// What it takes, as JSON Schema of an object.
    pub parameters: Value,
    /// Whether the model is held to them, where somebody said so.
    pub strict: Option<bool>,
}

/// A call of a tool, as the model wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Unique within the conversation.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Text that should be a JSON object, and need not be.
    pub arguments: String,
}

/// A part of what a model says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text, to be joined to what came before.
    Text(String),
    /// A whole call.
    Call(ToolCall),
    /// The end, always last and always there where nothing failed.
    End(End),
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Why.
    pub reason: EndReason,
    /// What it took, as far as it was told.
    pub usage: Usage,
    /// Which of the configured models it was, by its name in the settings.
    pub model: String,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// It was complete, as far as the model is concerned.
    Stop,
    /// It was as long as it may be, and is not complete.
    Length,
    /// It waits for what its calls give.
    ToolCalls,
    /// The model's own filter ended it.
    ContentFilter,
}

/// Tokens as the model counted them, or as estimated where it did not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the conversation.
    pub input_tokens: u64,
    /// Of the answer.
    pub output_tokens: u64,
    /// Whether nobody counted them, and they are an estimate.
    pub is_estimate: bool,
}

/// Why there is no answer, or no whole one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ModelError {
    /// The account has used what it may use in a day.
    #[error("the account has no budget left")]
    OverBudget {
        /// When it has some again.
        retry_after: Duration,
    },
    /// No model is configured.
    #[error("no model is configured")]
    NotConfigured,
    /// No model answered; what was said by the last one that was asked, for the log alone.
    #[error("no model answers: {0}")]
    Unavailable(String),
    /// No answer in time, or no further piece of one.
    #[error("the model took too long")]
    TimedOut,
    /// The answer broke off without an end.
    #[error("the model's answer broke off")]
    CutOff,
    /// The model does not take this conversation, whoever asks again; what it said, for the log alone.
    #[error("the model refuses the conversation: {0}")]
    Refused(String),
    /// Something came that is no answer; what it was, for the log alone.
    #[error("the model's answer is not understood: {0}")]
    Malformed(String),
    /// The answer is larger than is read.
    #[error("the model's answer is too large")]
    TooLarge,
}

impl ModelError {
    /// What callers are told: a word of ours, never text from upstream.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::NotConfigured | Self::Unavailable(_) | Self::OverBudget { .. } => "unavailable",
            Self::TimedOut => "timed_out",
            Self::CutOff => "cut_off",
            Self::Refused(_) => "refused",
            Self::Malformed(_) => "malformed",
            Self::TooLarge => "too_large",
        }
    }
}

#[cfg(test)]
mod tests;
