//! What a model was shown for one question, each part under a name that it can cite.

use std::sync::Arc;

use crate::assistant::redaction::Redacted;
use crate::knowledge::{Knowledge, Question, Scopes, Section};

/// Sections and events, in the order in which they were shown.
pub(in super::super) struct Shown {
    knowledge: Arc<Knowledge>,
    scopes: Scopes,
    question: Question,
    sections: Vec<Section>,
    events: Vec<ShownEvent>,
}

/// An event as it was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct ShownEvent {
    pub(in super::super) id: String,
    pub(in super::super) source: String,
    pub(in super::super) event_type: String,
    text: Redacted,
}

impl ShownEvent {
    pub(in super::super) fn new(id: String, source: String, event_type: String, text: Redacted) -> Self {
        Self { id, source, event_type, text }
    }

    pub(in super::super) fn text(&self) -> &str {
        self.text.as_str()
    }
}

impl Shown {
    /// Nothing yet.
    pub(in super::super) fn for_question(knowledge: Arc<Knowledge>, scopes: Scopes, text: &str) -> Self {
        let question = knowledge.for_reader(&scopes).question(text);
        Self { knowledge, scopes, question, sections: Vec::new(), events: Vec::new() }
    }

    /// Shows a section; under which name, and whether that is new.
    pub(in super::super) fn add_section(&mut self, section: Section) -> (String, bool) {
        let is_same = |other: &Section| {
            other.file == section.file && other.line == section.line && other.heading == section.heading
        };
        let known = self.sections.iter().position(is_same);
        let at = known.unwrap_or_else(|| {
            self.sections.push(section);
            self.sections.len().saturating_sub(1)
        });
        (format!("c{}", at.saturating_add(1)), known.is_none())
    }

    /// Shows an event; under which name.
    pub(in super::super) fn add_event(&mut self, event: ShownEvent) -> String {
        let known = self.events.iter().position(|other| *other == event);
        let at = known.unwrap_or_else(|| {
            self.events.push(event);
            self.events.len().saturating_sub(1)
        });
        format!("e{}", at.saturating_add(1))
    }

    pub(in super::super) fn section(&self, id: &str) -> Option<&Section> {
        self.sections.get(place(id.strip_prefix('c')?)?)
    }

    pub(super) fn event(&self, id: &str) -> Option<&ShownEvent> {
        self.events.get(place(id.strip_prefix('e')?)?)
    }

    /// The share of the question that a quote and its heading hold.
    pub(super) fn score(&self, section: &Section, quote: &str) -> f64 {
        let words = self.knowledge.for_reader(&self.scopes).words(&format!("{}\n{quote}", section.heading));
        self.question.share(&self.question.held_by(&words))
    }

    pub(in super::super) fn section_count(&self) -> usize {
        self.sections.len()
    }
}

fn place(number: &str) -> Option<usize> {
    number.parse::<usize>().ok()?.checked_sub(1)
}
