//! An answer as far as a person wants to read it.

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub(super) known: bool,
    pub(super) confidence: String,
    pub(super) short: Option<String>,
    pub(super) answer: Option<String>,
    pub(super) citations: Vec<Citation>,
    pub(super) recommendation: Option<Recommendation>,
    #[serde(default)]
    pub(super) events: Vec<EventCitation>,
    pub(super) proposals: Vec<Proposal>,
    pub(super) whom_to_ask: Vec<Contact>,
    pub(super) made_by: MadeBy,
    #[serde(default)]
    pub(super) removed: Vec<Removed>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Citation {
    pub(super) file: String,
    pub(super) heading: String,
    pub(super) lines: Option<[usize; 2]>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Recommendation {
    pub(super) snippet: String,
    pub(super) file: String,
    pub(super) heading: Option<String>,
    pub(super) lines: Option<[usize; 2]>,
    pub(super) change: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct EventCitation {
    pub(super) id: String,
    pub(super) source: String,
    #[serde(rename = "type")]
    pub(super) event_type: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Proposal {
    pub(super) runbook: String,
    pub(super) title: String,
    pub(super) parameters: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Contact {
    pub(super) owner: String,
    pub(super) file: String,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum MadeBy {
    Documents { instead_of_model: Option<String> },
    Model { model: String },
}

#[derive(Debug, Deserialize)]
pub(super) struct Removed {
    pub(super) what: String,
    pub(super) why: String,
}

impl Answer {
    pub(super) fn read(answer: &Value) -> anyhow::Result<Self> {
        Self::deserialize(answer)
            .context("the answer is not what this program understands; is it as new as the service?")
    }
}
