//! One message of a client's conversation.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::chat::refusal::Invalid;
use crate::model::{Message, ToolCall};

/// A message as it comes.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct MessageBody {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    role: String,
    #[serde(default)]
    content: Option<Content>,
    /// What the assistant called.
    #[serde(default)]
    tool_calls: Option<Vec<CallBody>>,
    /// Which call this is the result of.
    #[serde(default)]
    tool_call_id: Option<String>,
}

/// What is said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// A part of what is said; text alone is understood.
#[derive(Debug, Deserialize, ToSchema)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

/// A call of a tool, as the client was given it.
#[derive(Debug, Deserialize, ToSchema)]
struct CallBody {
    id: String,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    function: Option<FunctionBody>,
    /// Other kinds of calls have other members.
    #[serde(default)]
    #[schema(value_type = Object)]
    custom: Option<Value>,
}

/// Which function was called, and with what.
#[derive(Debug, Deserialize, ToSchema)]
struct FunctionBody {
    name: String,
    arguments: String,
}

impl MessageBody {
    pub(super) fn checked(self, index: usize) -> Result<Message, Invalid> {
        let at = format!("messages[{index}]");
        match self.role.as_str() {
            "system" | "developer" => text(self.content, &at).map(Message::System),
            "user" => text(self.content, &at).map(Message::User),
            "assistant" => {
                let calls = self.tool_calls.unwrap_or_default().into_iter().enumerate();
                let calls: Vec<_> = calls
                    .map(|(number, call)| call.checked(&format!("{at}.tool_calls[{number}]")))
                    .collect::<Result<_, _>>()?;
                if self.content.is_none() && calls.is_empty() {
                    return Err(Invalid::missing(format!("{at}.content")));
                }
                let text = self.content.map(|content| text(Some(content), &at)).transpose()?.unwrap_or_default();
                Ok(Message::Assistant { text, calls })
            }
            "tool" => {
                let call = self.tool_call_id.ok_or_else(|| Invalid::missing(format!("{at}.tool_call_id")))?;
                Ok(Message::ToolResult { call, content: text(self.content, &at)? })
            }
            _ => Err(Invalid::invalid_value(
                format!("{at}.role"),
                "It must be 'system', 'developer', 'user', 'assistant' or 'tool'.",
            )),
        }
    }
}

fn text(content: Option<Content>, at: &str) -> Result<String, Invalid> {
    let parts = match content {
        None => return Err(Invalid::missing(format!("{at}.content"))),
        Some(Content::Text(text)) => return Ok(text),
        Some(Content::Parts(parts)) => parts,
    };
    let mut joined = String::new();
    for (number, part) in parts.into_iter().enumerate() {
        let text = match part.kind.as_str() {
            "text" => part.text.ok_or_else(|| Invalid::missing(format!("{at}.content[{number}].text")))?,
            "refusal" => part.refusal.ok_or_else(|| Invalid::missing(format!("{at}.content[{number}].refusal")))?,
            _ => {
                let param = format!("{at}.content[{number}].type");
                return Err(Invalid::unsupported_value(
                    param,
                    "Text alone is understood here: no image, sound or file.",
                ));
            }
        };
        joined.push_str(&text);
    }
    Ok(joined)
}

impl CallBody {
    fn checked(self, at: &str) -> Result<ToolCall, Invalid> {
        match (self.kind.as_deref(), self.function, self.custom) {
            (None | Some("function"), Some(FunctionBody { name, arguments }), None) => {
                Ok(ToolCall { id: self.id, name, arguments })
            }
            (None | Some("function"), None, None) => Err(Invalid::missing(format!("{at}.function"))),
            _ => Err(Invalid::unsupported_value(format!("{at}.type"), "Functions alone are understood here.")),
        }
    }
}
