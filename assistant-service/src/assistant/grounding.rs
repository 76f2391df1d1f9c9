//! Holds what a model says against what it was shown.
//!
//! A model cites by marks, `[c1: "quoted words"]`. A mark that names a section which this asker was shown, with words that
//! stand in it, becomes a number and a [`Citation`], which quotes the section letter for letter; any other is taken out.

mod quote;
mod shown;
mod snippet;
mod support;

#[cfg(test)]
mod tests;

use super::defences::{Defence, Defences};
use super::words::{Mark, Marks};
use super::{Citation, EventCitation, Removed};

pub(super) use shown::{Shown, ShownEvent};
pub(super) use snippet::snippet;
pub(super) use support::{Support, confidence, first_sentence, without_marks};

/// Fewer characters stand in any text.
const SHORTEST_QUOTE: usize = 8;
const LONGEST_QUOTE: usize = 1000;

/// The citations of one answer as they come.
pub(super) struct Grounding<'a> {
    shown: &'a Shown,
    defences: Defences,
    citations: Vec<Citation>,
    events: Vec<EventCitation>,
}

/// What is left of them.
#[derive(Debug, Default)]
pub(super) struct Grounded {
    pub(super) citations: Vec<Citation>,
    pub(super) events: Vec<EventCitation>,
}

impl<'a> Grounding<'a> {
    pub(super) fn in_what_was(shown: &'a Shown, defences: Defences) -> Self {
        Self { shown, defences, citations: Vec::new(), events: Vec::new() }
    }

    pub(super) fn finish(self) -> Grounded {
        Grounded { citations: self.citations, events: self.events }
    }

    fn section(&mut self, id: &str, words: &str) -> Result<String, Removed> {
        let section = self.shown.section(id).ok_or_else(not_shown)?;
        let held = quote::verbatim(section.text(), words);
        let citation = held.and_then(|quote| Citation::of(section, quote, self.shown.score(section, quote)));
        #[cfg(test)]
        let citation = citation.or_else(|| {
            let is_believed = !self.defences.has(Defence::Citations);
            is_believed.then(|| Citation::believed(section, words))
        });
        let citation = citation.ok_or_else(not_there)?;
        let number = number_of(&mut self.citations, citation);
        Ok(format!("[{number}]"))
    }

    fn event(&mut self, id: &str, words: &str) -> Result<String, Removed> {
        let event = self.shown.event(id).ok_or_else(not_shown)?;
        let citation = quote::verbatim(event.text(), words).and_then(|quote| EventCitation::of(event, quote));
        let number = number_of(&mut self.events, citation.ok_or_else(not_there)?);
        Ok(format!("[e{number}]"))
    }
}

impl Marks for Grounding<'_> {
    const ARE_READ: bool = true;

    fn cite(&mut self, mark: &Mark<'_>) -> Result<String, Removed> {
        let length = weight(mark.quote);
        if length < SHORTEST_QUOTE && self.defences.has(Defence::Citations) {
            return Err(removed("quote", "it is too short to support anything"));
        }
        if length > LONGEST_QUOTE {
            return Err(removed("quote", "it is longer than a quote may be"));
        }
        if mark.id.starts_with('e') { self.event(mark.id, mark.quote) } else { self.section(mark.id, mark.quote) }
    }
}

/// How many characters of a quote say something.
fn weight(quote: &str) -> usize {
    quote.chars().filter(|character| !character.is_whitespace() && !"*_`".contains(*character)).count()
}

fn not_shown() -> Removed {
    removed("citation", "it names nothing that was shown")
}

fn not_there() -> Removed {
    removed("quote", "the words do not stand there")
}

fn removed(what: &'static str, why: &str) -> Removed {
    Removed { what, why: why.to_owned() }
}

/// One place is one citation, however often it is cited.
fn number_of<T: PartialEq>(all: &mut Vec<T>, one: T) -> usize {
    let at = all.iter().position(|other| *other == one).unwrap_or_else(|| {
        all.push(one);
        all.len().saturating_sub(1)
    });
    at.saturating_add(1)
}
