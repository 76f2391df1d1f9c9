//! What makes two events one matter: the fields that a watch groups by.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};
use trust_core::Mistake;

use super::sighting::Sighting;
use super::watch::Watch;
use crate::assistant::redaction::Redactor;
use crate::condition::is_pointer;
use crate::section::Section;

const MOST_FIELDS: usize = 4;
/// Longer values are cut where they are shown; they are told apart by all that they are.
const LONGEST_SHOWN: usize = 128;

/// More is not looked through for what may not be shown, and of a text more is not shown either.
const LONGEST_LOOKED_AT: usize = 4096;

/// Stands for data that its sender has classified, and for what is too large to be looked through.
const WITHHELD: &str = "withheld";

/// A field of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Subject,
    Source,
    Type,
    CorrelationId,
    /// A member of the data, by its JSON pointer.
    Data(String),
}

/// One matter of a watch.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// As many as there are values: those that are shown alike may still be two.
    pub(super) digest: String,
    /// What stands in each field, cut to what is shown.
    pub(super) shown: BTreeMap<String, Option<String>>,
}

impl Field {
    pub(super) fn read(text: &str) -> Option<Self> {
        match text {
            "subject" => Some(Self::Subject),
            "source" => Some(Self::Source),
            "type" => Some(Self::Type),
            "correlationid" => Some(Self::CorrelationId),
            _ => {
                text.strip_prefix("data:").filter(|pointer| is_pointer(pointer)).map(|text| Self::Data(text.to_owned()))
            }
        }
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Subject => "subject".to_owned(),
            Self::Source => "source".to_owned(),
            Self::Type => "type".to_owned(),
            Self::CorrelationId => "correlationid".to_owned(),
            Self::Data(pointer) => format!("data:{pointer}"),
        }
    }

    /// What stands in it, as text.
    pub(super) fn of(&self, event: &Sighting) -> Option<String> {
        match self {
            Self::Subject => event.subject.clone(),
            Self::Source => Some(event.source.clone()),
            Self::Type => Some(event.event_type.clone()),
            Self::CorrelationId => event.correlation_id.clone(),
            Self::Data(pointer) => match event.data.pointer(pointer)? {
                Value::Null => None,
                other => Some(text_of(other.clone())),
            },
        }
    }

    /// The same, for those who read insights and for models.
    pub(super) fn shown(&self, event: &Sighting, redactor: &Redactor) -> Option<String> {
        let value = match self {
            Self::Data(_) if event.is_classified => return Some(WITHHELD.to_owned()),
            Self::Subject if event.is_classified && redactor.withholds_subjects() => {
                return event.subject.as_ref().map(|_| WITHHELD.to_owned());
            }
            Self::Data(pointer) => match event.data.pointer(pointer)? {
                Value::Null => return None,
                Value::String(text) => text_of(redactor.at(pointer, &Value::from(part(text)))),
                other if other.to_string().len() > LONGEST_LOOKED_AT => return Some(WITHHELD.to_owned()),
                other => text_of(redactor.at(pointer, other)),
            },
            Self::Subject | Self::Source | Self::Type | Self::CorrelationId => self.of(event)?,
        };
        Some(redactor.text(part(&value)).to_string())
    }
}

fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn part(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST_LOOKED_AT)).unwrap_or(text)
}

/// The fields that a watch groups by.
pub(super) fn read(root: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Vec<Field> {
    let items = root.list("groupBy", mistakes);
    if items.len() > MOST_FIELDS {
        root.at("groupBy").mistake(format!("there may be {MOST_FIELDS} of them"), mistakes);
    }
    let mut fields = Vec::new();
    for item in items {
        match item.as_text().and_then(Field::read) {
            Some(field) if fields.contains(&field) => item.mistake("this stands there already", mistakes),
            Some(field) => fields.push(field),
            None => item.mistake("subject, source, type, correlationid or data:/pointer was expected", mistakes),
        }
    }
    fields
}

impl Key {
    pub(super) fn of(watch: &Watch, event: &Sighting) -> Self {
        let mut digest = Sha256::new();
        let mut shown = BTreeMap::new();
        for field in &watch.group_by {
            let value = field.of(event);
            // With its length before it, so that no two lists of values are one text.
            let length = value.as_ref().map_or(u64::MAX, |value| u64::try_from(value.len()).unwrap_or(u64::MAX));
            digest.update(length.to_be_bytes());
            digest.update(value.as_deref().unwrap_or_default());
            shown
                .insert(field.name(), field.shown(event, &watch.redactor).map(|value| one_line(&value, LONGEST_SHOWN)));
        }
        let digest = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { digest, shown }
    }
}

/// At most so many characters of a text, in one line.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let plain = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    plain.take(most).collect::<String>().trim().to_owned()
}
