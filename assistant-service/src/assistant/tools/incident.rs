//! `incident`: the events that belong together, from the first one on.

use serde::Deserialize;
use serde_json::json;

use super::{Findings, Refusal, Toolbox, events};
use crate::assistant::redaction::Redacted;
use crate::backbone::{EventFilter, Order};
use crate::model::Tool;

const MOST_EVENTS: u32 = 30;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    correlation_id: String,
}

pub(super) fn tool() -> Tool {
    Tool {
        name: "incident".to_owned(),
        description: "The events that belong to one correlation id, old ones first. They can be cited by their ids."
            .to_owned(),
        parameters: json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["correlation_id"],
            "properties": {"correlation_id": {"type": "string"}},
        }),
        strict: None,
    }
}

pub(super) async fn call(
    toolbox: &Toolbox,
    Arguments { correlation_id }: Arguments,
    findings: &mut Findings,
) -> Result<Redacted, Refusal> {
    let filter = EventFilter {
        correlation_id: Some(correlation_id),
        limit: MOST_EVENTS,
        order: Order::Ascending,
        ..EventFilter::default()
    };
    events::tell(toolbox, filter, findings).await
}
