//! `command_status`: how far a command is. What its service reported is text of somebody who may have been taken over.

use serde::Deserialize;
use serde_json::json;

use super::{Refusal, Toolbox};
use crate::assistant::redaction::Redacted;
use crate::commands;
use crate::model::Tool;
use crate::problem::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    id: String,
}

pub(super) fn tool() -> Tool {
    Tool {
        name: "command_status".to_owned(),
        description: "Where a command stands: who asked for it, who decided, and what came of it.".to_owned(),
        parameters: json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["id"],
            "properties": {"id": {"type": "string"}},
        }),
        strict: None,
    }
}

pub(super) async fn call(toolbox: &Toolbox, Arguments { id }: Arguments) -> Result<Redacted, Refusal> {
    match commands::command(&*toolbox.backbone, &id).await {
        Ok(command) => {
            let told = serde_json::to_value(&command).map_err(|_| Refusal::Unavailable)?;
            Ok(toolbox.redactor.value(told))
        }
        Err(Problem::NotFound) => Err(Refusal::NotFound),
        Err(_) => Err(Refusal::Unavailable),
    }
}
