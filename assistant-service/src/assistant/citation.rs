//! A quote and the place where it stands, checked before anybody sees it.

use serde::Serialize;
use utoipa::ToSchema;

use super::grounding::ShownEvent;
use crate::knowledge::Section;

/// A quote from a document. It can be made in one way only, and that way looks the quote up in its section: an answer
/// cannot cite what nobody wrote, whoever made the answer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Citation {
    file: String,
    heading: String,
    /// Its first and its last line, counted from 1, where the document is code or plain text and no Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<[usize; 2]>,
    quote: String,
    /// The share of the question that the quote and its heading hold, from 0 to 1.
    score: f64,
    /// Whether not everybody may read it.
    #[serde(skip)]
    is_restricted: bool,
}

impl Citation {
    /// Cites `quote`, unless it is no verbatim part of the section.
    #[must_use]
    pub fn of(section: &Section, quote: &str, score: f64) -> Option<Self> {
        if quote.trim().is_empty() || !section.text().contains(quote) {
            return None;
        }
        let score = (score.clamp(0.0, 1.0) * 1000.0).round() / 1000.0;
        Some(Self {
            file: section.file.clone(),
            heading: section.heading.clone(),
            lines: section.lines_of(quote),
            quote: quote.to_owned(),
            score,
            is_restricted: !section.front_matter().audience.is_everybody(),
        })
    }

    /// What a model believes to stand there. Tests alone can do without looking.
    #[cfg(test)]
    pub(super) fn believed(section: &Section, quote: &str) -> Self {
        let (file, heading) = (section.file.clone(), section.heading.clone());
        Self { file, heading, lines: None, quote: quote.to_owned(), score: 1.0, is_restricted: true }
    }

    /// The document, by its path below the folder of documents.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The headings above the quote, from the outermost one inwards.
    #[must_use]
    pub fn heading(&self) -> &str {
        &self.heading
    }

    /// Its first and its last line, where the document is no Markdown.
    #[must_use]
    pub fn lines(&self) -> Option<[usize; 2]> {
        self.lines
    }

    /// What stands there, letter for letter.
    #[must_use]
    pub fn quote(&self) -> &str {
        &self.quote
    }

    /// Whether it stands in a document that not everybody may read.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        self.is_restricted
    }
}

/// A quote from an event, checked in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventCitation {
    id: String,
    source: String,
    #[serde(rename = "type")]
    event_type: String,
    quote: String,
}

impl EventCitation {
    /// Cites `quote`, unless it is no verbatim part of the event as it was shown.
    pub(super) fn of(event: &ShownEvent, quote: &str) -> Option<Self> {
        if quote.trim().is_empty() || !event.text().contains(quote) {
            return None;
        }
        let ShownEvent { id, source, event_type, .. } = event.clone();
        Some(Self { id, source, event_type, quote: quote.to_owned() })
    }

    /// One that nobody looked for. Tests alone can do without looking.
    #[cfg(test)]
    pub(crate) fn believed(id: &str, source: &str, event_type: &str) -> Self {
        let [id, source, event_type] = [id, source, event_type].map(str::to_owned);
        Self { id, source, event_type, quote: String::new() }
    }

    /// The event's id, unique within its source.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it comes from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its type.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// What stands there, letter for letter, but for what was redacted.
    #[must_use]
    pub fn quote(&self) -> &str {
        &self.quote
    }
}
