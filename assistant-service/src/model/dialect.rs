//! What a server does not know of OpenAI's protocol, learned from its refusals. Servers repeat in those what callers wrote, so a
//! word in a refusal proves nothing: the server must name the parameter, and leaving it out must help.

use serde_json::Value;

use super::failure::Failure;
use super::{Message, Prompt};

const USAGE: &str = "stream_options";
const LIMIT: &str = "max_tokens";
const NEW_LIMIT: &str = "max_completion_tokens";

/// How servers begin to say it that have no member for it, in lower case.
const UNKNOWN: [&str; 4] = [
    "unsupported parameter:",
    "unknown parameter:",
    "unrecognized request argument supplied:",
    "unrecognized request argument:",
];

/// What one server has said that it does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dialect {
    /// It takes no `stream_options`, so that nobody counts.
    pub(super) is_uncounted: bool,
    /// It calls `max_tokens` `max_completion_tokens`, as OpenAI itself does for its newer models.
    pub(super) has_new_limit: bool,
}

impl Dialect {
    /// What is worth another try after a failure; nothing where asking again would bring the same.
    pub(super) fn after(self, failure: &Failure, prompt: &Prompt) -> Option<Self> {
        let Failure::Status { said, parameter, .. } = failure else { return None };
        if !failure.is_refusal() {
            return None;
        }
        let is_unknown = |name: &str| match parameter {
            Some(parameter) => parameter == name,
            None => begins_with_unknown(said, name) && !is_written_in(prompt, name),
        };
        if !self.has_new_limit && said.contains(NEW_LIMIT) && is_unknown(LIMIT) {
            return Some(Self { has_new_limit: true, ..self });
        }
        (!self.is_uncounted && is_unknown(USAGE)).then_some(Self { is_uncounted: true, ..self })
    }
}

fn begins_with_unknown(said: &str, name: &str) -> bool {
    let said = said.to_ascii_lowercase();
    let named = UNKNOWN.iter().find_map(|beginning| said.trim_start().strip_prefix(beginning));
    let is_quote = |character: char| character.is_whitespace() || "'\"`".contains(character);
    let rest = named.and_then(|named| named.trim_start_matches(is_quote).strip_prefix(name));
    rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || "_.[".contains(next)))
}

/// Whether the caller wrote the word, so that the server may but repeat it.
fn is_written_in(prompt: &Prompt, word: &str) -> bool {
    let has = |text: &str| text.to_ascii_lowercase().contains(word);
    let has_value = |value: &Value| has(&value.to_string());
    let is_in_message = |message: &Message| match message {
        Message::System(text) | Message::User(text) | Message::ToolResult { content: text, .. } => has(text),
        Message::Assistant { text, calls } => {
            has(text) || calls.iter().any(|call| has(&call.name) || has(&call.arguments))
        }
    };
    prompt.options.iter().any(|(name, value)| has(name) || has_value(value))
        || prompt.messages.iter().any(is_in_message)
        || prompt.tools.iter().any(|tool| has(&tool.name) || has(&tool.description) || has_value(&tool.parameters))
}
