//! Which events a request asks for, as it says it in its query.

use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::IntoParams;

use crate::backbone::{EventFilter, Freshness, Order, TypeFilter};
use crate::problem::FieldError;

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;

/// Which events are asked for. Numbers and times come as text, so that a wrong one can be named.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParameters {
    /// A type, or `prefix.*` for all types below one.
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// A source.
    source: Option<String>,
    /// A subject.
    subject: Option<String>,
    /// What the events belong to.
    correlationid: Option<String>,
    /// Who made the events happen: an `authid`.
    principal: Option<String>,
    /// A text that stands somewhere in the event's JSON, byte by byte as it is kept.
    text: Option<String>,
    /// That came in at this time or later (RFC 3339): by the service's clock, not by the event's own `time`.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<String>,
    /// That came in before this time (RFC 3339), by the same clock.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<String>,
    /// Beyond this position, in the direction of `order`.
    #[param(value_type = Option<u64>)]
    after: Option<String>,
    /// At most so many on a page; 1 to 1000, without it 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// `asc` (old ones first, the default) or `desc`.
    order: Option<String>,
}

impl EventParameters {
    pub(super) fn into_filter(self) -> Result<EventFilter, Vec<FieldError>> {
        let mut errors = Vec::new();
        let filter = EventFilter {
            after: self.after.and_then(|text| {
                let position = text.parse().ok();
                kept(position, ("after", "must be a position, as next_after gives it"), &mut errors)
            }),
            limit: limit(self.limit.as_deref(), &mut errors),
            order: order(self.order.as_deref(), &mut errors),
            text: self.text.and_then(|text| {
                let text = Some(text).filter(|text| !text.is_empty());
                kept(text, ("text", "must not be empty"), &mut errors)
            }),
            since: self.since.and_then(|text| time("since", &text, &mut errors)),
            until: self.until.and_then(|text| time("until", &text, &mut errors)),
            event_type: self.event_type.map(|text| TypeFilter::of(&text)),
            source: self.source,
            subject: self.subject,
            correlation_id: self.correlationid,
            principal: self.principal,
            freshness: Freshness::Current,
        };
        if errors.is_empty() { Ok(filter) } else { Err(errors) }
    }
}

fn limit(text: Option<&str>, errors: &mut Vec<FieldError>) -> u32 {
    let Some(text) = text else { return DEFAULT_LIMIT };
    let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    let wrong = format!("must be a number from 1 to {MAX_LIMIT}");
    kept(limit, ("limit", &wrong), errors).unwrap_or(DEFAULT_LIMIT)
}

fn order(text: Option<&str>, errors: &mut Vec<FieldError>) -> Order {
    let order = match text {
        None | Some("asc") => Some(Order::Ascending),
        Some("desc") => Some(Order::Descending),
        Some(_) => None,
    };
    kept(order, ("order", "must be asc or desc"), errors).unwrap_or_default()
}

fn time(name: &str, text: &str, errors: &mut Vec<FieldError>) -> Option<OffsetDateTime> {
    let wrong = "must be a time such as 2026-03-01T12:00:00Z (RFC 3339); a + in it is written %2B";
    kept(OffsetDateTime::parse(text, &Rfc3339).ok(), (name, wrong), errors)
}

fn kept<T>(value: Option<T>, (name, wrong): (&str, &str), errors: &mut Vec<FieldError>) -> Option<T> {
    if value.is_none() {
        errors.push(FieldError::new(name, wrong));
    }
    value
}
