//! The tools that a client brings. They are its own: what a model calls of them goes back to it, and nothing is called here.

use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::chat::refusal::Invalid;
use crate::model::Tool;

const MOST_TOOLS: usize = 128;
const LONGEST_NAME: usize = 64;

/// A tool as it comes.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ToolBody {
    /// `function`.
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    function: Option<Definition>,
}

/// What can be called.
#[derive(Debug, Deserialize, ToSchema)]
struct Definition {
    /// Letters, digits, `_` and `-`.
    name: String,
    #[serde(default)]
    description: Option<String>,
    /// JSON Schema of an object.
    #[serde(default)]
    #[schema(value_type = Object)]
    parameters: Option<Value>,
    /// Whether the model is held to the schema.
    #[serde(default)]
    strict: Option<bool>,
}

pub(super) fn checked(tools: Vec<ToolBody>) -> Result<Vec<Tool>, Invalid> {
    if tools.len() > MOST_TOOLS {
        return Err(Invalid::invalid_value("tools", format!("There may be {MOST_TOOLS} tools.")));
    }
    tools.into_iter().enumerate().map(|(index, tool)| one(tool, &format!("tools[{index}]"))).collect()
}

fn one(tool: ToolBody, at: &str) -> Result<Tool, Invalid> {
    if tool.kind != "function" {
        return Err(Invalid::unsupported_value(format!("{at}.type"), "Functions alone are understood here."));
    }
    let Definition { name, description, parameters, strict } =
        tool.function.ok_or_else(|| Invalid::missing(format!("{at}.function")))?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_name) {
        let message = format!("It must be 1 to {LONGEST_NAME} letters, digits, '_' and '-'.");
        return Err(Invalid::invalid_value(format!("{at}.function.name"), message));
    }
    let parameters = parameters.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    if !parameters.is_object() {
        return Err(Invalid::invalid_value(
            format!("{at}.function.parameters"),
            "It must be JSON Schema of an object.",
        ));
    }
    Ok(Tool { name, description: description.unwrap_or_default(), parameters, strict })
}
