//! `list_runbooks`: what may be proposed.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Toolbox;
use crate::assistant::redaction::Redacted;
use crate::model::Tool;

const MOST_RUNBOOKS: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {}

pub(super) fn tool() -> Tool {
    Tool {
        name: "list_runbooks".to_owned(),
        description: "The runbooks of the catalogue, with what each takes, whether somebody must approve it, and at which events it is worth a look."
            .to_owned(),
        parameters: json!({"type": "object", "additionalProperties": false, "properties": {}}),
        strict: None,
    }
}

pub(super) fn call(toolbox: &Toolbox, _: &Arguments) -> Redacted {
    let runbooks = toolbox.runbooks.list().into_iter().take(MOST_RUNBOOKS).map(|runbook| {
        json!({
            "name": runbook.name,
            "title": runbook.title,
            "description": runbook.description,
            "parameters": runbook.parameters,
            "needs_approval": runbook.approval.needed,
            "suggest_when": runbook.suggest_when,
        })
    });
    // A schema speaks of members such as `password` without holding any: each is text, not a value.
    let lines: Vec<String> = runbooks.map(|runbook: Value| runbook.to_string()).collect();
    toolbox.redactor.text(&lines.join("\n"))
}
