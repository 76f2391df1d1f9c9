//! What a watch asks: the words of its file, with values of the event in their places.
//!
//! The values were written by whoever sent the event. They are data: quoted, in one line, short, and without the characters that
//! sentences, links and markup are made of, so that none of them can end its quotation and go on as if the watch were speaking.

use super::grouping::Field;
use super::sighting::Sighting;
use crate::assistant::redaction::Redactor;

pub(super) const LONGEST_TEMPLATE: usize = 1000;
const MOST_VALUES: usize = 8;
const LONGEST_VALUE: usize = 64;
const ABSENT: &str = "unknown";

/// A question with places for values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QuestionTemplate(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Words(String),
    Value(Field),
}

impl QuestionTemplate {
    /// Reads `text`, in which `{subject}`, `{source}`, `{type}`, `{correlationid}` and `{data:/pointer}` are values, or says what is
    /// wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() || text.chars().nth(LONGEST_TEMPLATE).is_some() {
            return Err(format!("a question of 1 to {LONGEST_TEMPLATE} characters was expected"));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((words, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("a { without its }; write a value as {subject}")?;
            let field = Field::read(name).ok_or_else(|| {
                format!("{{{name}}} is no value; there are {{subject}}, {{source}}, {{type}}, {{correlationid}} and {{data:/pointer}}")
            })?;
            parts.extend([Part::Words(words.to_owned()), Part::Value(field)]);
            rest = after;
        }
        if rest.contains('}') {
            return Err("a } without its {".to_owned());
        }
        if parts.len() / 2 > MOST_VALUES {
            return Err(format!("there may be {MOST_VALUES} values in a question"));
        }
        parts.push(Part::Words(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The question about one event.
    pub(super) fn fill(&self, event: &Sighting, redactor: &Redactor) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Words(words) => words.clone(),
            Part::Value(field) => quoted(field.shown(event, redactor).as_deref()),
        });
        parts.collect()
    }
}

/// A value of somebody else in a question: in quotation marks, short, and without what sentences, links and markup are made of.
pub(crate) fn quoted(value: Option<&str>) -> String {
    let is_plain =
        |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.' | ':' | '/' | '%' | '+');
    let plain: String = value
        .unwrap_or_default()
        .chars()
        .map(|character| if is_plain(character) { character } else { ' ' })
        .take(LONGEST_VALUE)
        .collect();
    // `://` would be a link, and a full stop before a space the end of a sentence.
    let words: Vec<&str> = plain.split_whitespace().map(|word| word.trim_matches(['.', ':', '/'])).collect();
    let words = words.join(" ").replace("://", " ");
    if words.trim().is_empty() { ABSENT.to_owned() } else { format!("“{}”", words.trim()) }
}
