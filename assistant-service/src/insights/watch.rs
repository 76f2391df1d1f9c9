//! A watch: which events, how many of them in what time, and what is asked about them.

mod file;

use std::sync::Arc;
use std::time::Duration;

use super::INSIGHT;
use super::grouping::Field;
use super::question::QuestionTemplate;
use super::sighting::Sighting;
use crate::assistant::redaction::Redactor;
use crate::backbone::{EventFilter, Freshness, Position, TypeFilter};
use crate::condition::Condition;

pub(crate) use file::check_event_type;
pub(super) use file::read;

/// What somebody wants to know of.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    /// Lower-case words joined by hyphens.
    pub(super) name: String,
    /// By what another definition under the same name is told.
    pub(super) digest: String,
    pub(super) filter: Filter,
    pub(super) conditions: Vec<Condition>,
    pub(super) group_by: Vec<Field>,
    /// Within so long there must be `at_least` events of one key.
    pub(super) window: Duration,
    pub(super) at_least: usize,
    /// An insight has ended when nothing has come for so long; until then all that comes belongs to it.
    pub(super) cooldown: Duration,
    pub(super) question: QuestionTemplate,
    /// By which documents are read for it.
    pub(super) scopes: Vec<String>,
    /// How often the assistant is asked.
    pub(super) insights_per_hour: u32,
    /// What of an event stands in no question and no insight.
    pub(super) redactor: Arc<Redactor>,
}

/// What the log is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) event_type: Option<TypeFilter>,
    pub(super) source: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) text: Option<String>,
}

impl Watch {
    /// On whose account it asks.
    pub(super) fn principal(&self) -> String {
        format!("urn:watchgate:watch:{}", self.name)
    }

    /// The events that may match, from old to new.
    pub(super) fn event_filter(&self, after: Position, limit: u32) -> EventFilter {
        let Filter { event_type, source, subject, text } = self.filter.clone();
        EventFilter {
            event_type,
            source,
            subject,
            text,
            after: Some(after),
            limit,
            freshness: Freshness::Known,
            ..EventFilter::default()
        }
    }

    /// Whether an event that the filter let through is meant.
    pub(super) fn matches(&self, event: &Sighting) -> bool {
        let is_insight =
            event.event_type.strip_prefix(INSIGHT).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        !is_insight && self.conditions.iter().all(|condition| condition.holds(&event.data))
    }
}
