//! An event as a watch sees it. Whatever is in it was written by whoever sent it: it is looked at, counted and shown, and that is all.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::backbone::{Position, StoredEvent};
use crate::clock::millis;
use crate::runbooks::{RunbookCatalogue, SuggestWhen};

/// Longer identifiers are left out of the evidence: the position names the event all the same, and room for evidence is bounded.
const LONGEST_KEPT_BYTES: usize = 128;

/// Runbooks that one event, or all events of an insight, suggest.
pub(super) const MOST_SUGGESTED: usize = 3;

/// As much of an event as watches look at.
#[derive(Debug)]
pub(super) struct Sighting {
    pub(super) position: Position,
    pub(super) id: String,
    pub(super) source: String,
    pub(super) event_type: String,
    pub(super) subject: Option<String>,
    pub(super) correlation_id: Option<String>,
    /// When it happened, by its own word, but not in the future.
    pub(super) millis: i64,
    pub(super) data: Value,
    /// The runbooks that say of themselves that they are worth a look at such an event.
    pub(super) suggested: Vec<String>,
    /// Whether its sender says that its data is not for everybody: then nothing of the data is repeated.
    pub(super) is_classified: bool,
}

#[derive(Deserialize)]
struct Written {
    id: String,
    source: String,
    #[serde(rename = "type")]
    event_type: String,
    subject: Option<String>,
    time: Option<String>,
    #[serde(rename = "correlationid")]
    correlation_id: Option<Value>,
    #[serde(rename = "dataclassification")]
    classification: Option<String>,
    #[serde(default)]
    data: Value,
}

/// What is kept of a sighting until there is an insight, and shown as its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Evidence {
    /// Where the event stands in the log.
    pub(super) position: Position,
    /// The event's id, unless it is too long to be repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// The event's source, unless it is too long to be repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
}

impl Sighting {
    pub(super) fn read(stored: &StoredEvent, now: OffsetDateTime) -> Result<Self, serde_json::Error> {
        let written: Written = serde_json::from_str(&stored.json)?;
        let time = written.time.as_deref().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
        let correlation_id = match written.correlation_id {
            Some(Value::String(text)) => Some(text),
            Some(Value::Null) | None => None,
            Some(other) => Some(other.to_string()),
        };
        Ok(Self {
            position: stored.position,
            id: written.id,
            source: written.source,
            event_type: written.event_type,
            subject: written.subject,
            correlation_id,
            millis: millis(time.unwrap_or(now).min(now)),
            data: written.data,
            suggested: Vec::new(),
            is_classified: written.classification.is_some_and(|label| !label.eq_ignore_ascii_case("public")),
        })
    }

    /// The same, with what the catalogue suggests at it.
    pub(super) fn suggesting(mut self, catalogue: &dyn RunbookCatalogue) -> Self {
        let fits = |suggesting: &SuggestWhen| {
            suggesting.fits(&self.event_type, &self.source, self.subject.as_deref(), &self.data)
        };
        let fitting = catalogue.list().into_iter().filter(|runbook| runbook.suggest_when.as_ref().is_some_and(fits));
        self.suggested = fitting.take(MOST_SUGGESTED).map(|runbook| runbook.name.clone()).collect();
        self
    }

    pub(super) fn evidence(&self) -> Evidence {
        let kept = |text: &String| (text.len() <= LONGEST_KEPT_BYTES).then(|| text.clone());
        Evidence { position: self.position, id: kept(&self.id), source: kept(&self.source) }
    }

    /// What it belongs to, unless that is too long to be repeated.
    pub(super) fn short_correlation_id(&self) -> Option<String> {
        self.correlation_id.clone().filter(|text| text.len() <= LONGEST_KEPT_BYTES)
    }
}
