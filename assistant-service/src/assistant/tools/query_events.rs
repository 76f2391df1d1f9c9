//! `query_events`: what happened, as whoever may read events sees it.
//!
//! It looks for nothing within data: by what it finds, a model could guess word by word what is redacted there.

use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Findings, Refusal, Toolbox, events};
use crate::assistant::redaction::Redacted;
use crate::backbone::{EventFilter, Order, TypeFilter};
use crate::model::Tool;

const MOST_EVENTS: u32 = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    #[serde(rename = "type")]
    event_type: Option<String>,
    source: Option<String>,
    subject: Option<String>,
    since: Option<String>,
    until: Option<String>,
    limit: Option<u32>,
}

pub(super) fn tool() -> Tool {
    Tool {
        name: "query_events".to_owned(),
        description: "The newest events that match. What is found can be cited by its id.".to_owned(),
        parameters: json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "type": {"type": "string", "description": "A type, or `prefix.*` for all types below one."},
                "source": {"type": "string"},
                "subject": {"type": "string"},
                "since": {"type": "string", "format": "date-time"},
                "until": {"type": "string", "format": "date-time"},
                "limit": {"type": "integer", "minimum": 1, "maximum": MOST_EVENTS},
            },
        }),
        strict: None,
    }
}

pub(super) async fn call(
    toolbox: &Toolbox,
    arguments: Arguments,
    findings: &mut Findings,
) -> Result<Redacted, Refusal> {
    let filter = EventFilter {
        event_type: arguments.event_type.map(|text| TypeFilter::of(&text)),
        source: arguments.source,
        subject: arguments.subject,
        since: arguments.since.map(time).transpose()?,
        until: arguments.until.map(time).transpose()?,
        limit: arguments.limit.unwrap_or(MOST_EVENTS).clamp(1, MOST_EVENTS),
        order: Order::Descending,
        ..EventFilter::default()
    };
    events::tell(toolbox, filter, findings).await
}

fn time(text: String) -> Result<OffsetDateTime, Refusal> {
    OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| Refusal::InvalidArguments)
}
