//! What the owner of a consumer decides.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::MAX_IN_FLIGHT;
use crate::backbone::{EventFilter, Freshness, Position, TypeFilter};
use crate::problem::FieldError;

const MAX_ACK_WAIT_SECONDS: u32 = 3600;
const MAX_DELIVERIES: u32 = 100;
const MAX_TEXT_BYTES: usize = 2048;

/// What is handed out, and how. Filter, beginning and order stay as they were made; the numbers may be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Which events; without it all.
    pub(crate) filter: Filter,
    /// Where it begins; without it with what comes from now on.
    pub(crate) begin: Begin,
    /// Whether no event of a subject is handed out while an earlier one of that subject is in flight.
    pub(crate) ordered: bool,
    /// How long a holder may be silent; 1 to 3600, without it 30.
    #[schema(minimum = 1, maximum = 3600)]
    pub(crate) ack_wait_seconds: Option<u32>,
    /// How often an event is handed out at most; 1 to 100, without it 5.
    #[schema(minimum = 1, maximum = 100)]
    pub(crate) max_deliveries: Option<u32>,
    /// How many may be in flight at once; 1 to 1024, without it 256.
    #[schema(minimum = 1, maximum = 1024)]
    pub(crate) max_in_flight: Option<u32>,
}

/// Conditions that must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Filter {
    /// A type, or `prefix.*` for all types below one.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) event_type: Option<String>,
    /// A source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
    /// A subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    /// What the events belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) correlationid: Option<String>,
}

/// One of both, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Begin {
    /// After this position; 0 for everything that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Position>,
    /// With what came in at this time or later.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<OffsetDateTime>,
}

impl Settings {
    pub(super) fn ack_wait_seconds(&self) -> u32 {
        self.ack_wait_seconds.unwrap_or(30)
    }

    pub(super) fn max_deliveries(&self) -> u32 {
        self.max_deliveries.unwrap_or(5)
    }

    pub(super) fn max_in_flight(&self) -> usize {
        usize::try_from(self.max_in_flight.unwrap_or(256)).unwrap_or(usize::MAX)
    }

    /// Everything that is wrong with them.
    pub(super) fn mistakes(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        for (field, value, most) in [
            ("ack_wait_seconds", self.ack_wait_seconds(), MAX_ACK_WAIT_SECONDS),
            ("max_deliveries", self.max_deliveries(), MAX_DELIVERIES),
            ("max_in_flight", self.max_in_flight.unwrap_or(1), MAX_IN_FLIGHT),
        ] {
            if !(1..=most).contains(&value) {
                errors.push(FieldError::new(field, format!("must be a number from 1 to {most}")));
            }
        }
        let Filter { event_type, source, subject, correlationid } = &self.filter;
        for (field, text) in [
            ("filter.type", event_type),
            ("filter.source", source),
            ("filter.subject", subject),
            ("filter.correlationid", correlationid),
        ] {
            if text.as_ref().is_some_and(|text| text.is_empty() || text.len() > MAX_TEXT_BYTES) {
                errors.push(FieldError::new(field, format!("must have 1 to {MAX_TEXT_BYTES} bytes")));
            }
        }
        if self.begin.after.is_some() && self.begin.time.is_some() {
            errors.push(FieldError::new("begin", "must name a position or a time, not both"));
        }
        errors
    }

    /// Whether a consumer with these settings may become one with `others`.
    pub(super) fn may_become(&self, others: &Self) -> bool {
        self.filter == others.filter && self.begin == others.begin && self.ordered == others.ordered
    }

    /// The events that are meant, from old to new.
    pub(super) fn event_filter(&self, after: Position, limit: usize, freshness: Freshness) -> EventFilter {
        let Filter { event_type, source, subject, correlationid } = self.filter.clone();
        let event_type = event_type.map(|text| match text.strip_suffix(".*") {
            Some(prefix) => TypeFilter::Below(prefix.to_owned()),
            None => TypeFilter::Exact(text),
        });
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        EventFilter {
            event_type,
            source,
            subject,
            correlation_id: correlationid,
            since: self.begin.time,
            after: Some(after),
            limit,
            freshness,
            ..EventFilter::default()
        }
    }
}
