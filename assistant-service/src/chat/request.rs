//! What a client of OpenAI's asks for: read leniently where it says more than is known here, and refused by name where it asks for
//! what would not be done.

mod message;
mod options;
mod tool;

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::refusal::Invalid;
use crate::model::{Message, Tool};
use message::MessageBody;
use tool::ToolBody;

/// No conversation has more, and each costs something to look at.
const MOST_MESSAGES: usize = 1024;

/// A request as it comes.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Body {
    /// `watchgate`, or a model of the settings.
    model: String,
    /// The conversation so far.
    messages: Vec<MessageBody>,
    /// What the model may call; not with `watchgate`.
    #[serde(default)]
    tools: Option<Vec<ToolBody>>,
    /// Whether the answer comes as chunks.
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    /// 1.
    #[serde(default)]
    n: Option<u32>,
    /// The longest answer in tokens, by its older name.
    #[serde(default)]
    max_tokens: Option<u32>,
    /// The longest answer in tokens.
    #[serde(default)]
    max_completion_tokens: Option<u32>,
    /// What goes to a model as it is, such as `temperature`, and what is not known here.
    #[serde(flatten)]
    #[schema(ignore)]
    others: Map<String, Value>,
}

/// How an answer comes as chunks.
#[derive(Debug, Deserialize, ToSchema)]
struct StreamOptions {
    /// Whether a last chunk tells what the answer took.
    #[serde(default)]
    include_usage: Option<bool>,
}

/// A request that was looked at.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) model: String,
    pub(super) messages: Vec<Message>,
    pub(super) tools: Vec<Tool>,
    pub(super) max_output_tokens: Option<u32>,
    pub(super) options: Map<String, Value>,
    pub(super) form: Form,
}

/// How the answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    Chunks { with_usage: bool },
}

impl Body {
    pub(super) fn checked(self) -> Result<Request, Invalid> {
        let form = form(self.stream, self.stream_options.as_ref())?;
        if self.n.is_some_and(|n| n != 1) {
            return Err(Invalid::unsupported_value("n", "There is one answer to a conversation: 'n' must be 1."));
        }
        let max_output_tokens = self.max_completion_tokens.or(self.max_tokens);
        if max_output_tokens == Some(0) {
            return Err(Invalid::invalid_value("max_completion_tokens", "An answer has a token at least."));
        }
        if self.messages.is_empty() {
            return Err(Invalid::invalid_value("messages", "There must be a message at least."));
        }
        if self.messages.len() > MOST_MESSAGES {
            return Err(Invalid::invalid_value("messages", format!("There may be {MOST_MESSAGES} messages.")));
        }
        let messages = self.messages.into_iter().enumerate().map(|(index, message)| message.checked(index));
        Ok(Request {
            model: self.model,
            messages: messages.collect::<Result<_, _>>()?,
            tools: tool::checked(self.tools.unwrap_or_default())?,
            max_output_tokens,
            options: options::checked(self.others)?,
            form,
        })
    }
}

fn form(stream: Option<bool>, options: Option<&StreamOptions>) -> Result<Form, Invalid> {
    match (stream, options) {
        (Some(true), options) => {
            Ok(Form::Chunks { with_usage: options.and_then(|options| options.include_usage).unwrap_or_default() })
        }
        (_, Some(_)) => Err(Invalid::invalid_value("stream_options", "It is allowed only where 'stream' is true.")),
        (_, None) => Ok(Form::Whole),
    }
}
