//! What is taken out of everything before it leaves for a model.
//!
//! A prompt is made of [`Redacted`] text alone, and that comes from here: whoever adds a source of text cannot forget it.

mod patterns;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value, json};
use trust_core::Mistake;

use super::defences::{Defence, Defences};
use super::words::visible;
use crate::section::Section;

const KEYS: [&str; 3] = ["dataClassifications", "withholdSubjects", "members"];
/// Held back unless the settings name others.
const CLASSIFICATIONS: [&str; 4] = ["confidential", "restricted", "secret", "sensitive"];
const CLASSIFICATION: &str = "dataclassification";
const WITHHELD: &str = "[redacted:classified]";
const MEMBER: &str = "[redacted:member]";
const LARGE: &str = "[redacted:large]";
/// To look through more takes longer than it is worth: of an event, a model is shown two KiB.
const LARGEST_EVENT_BYTES: usize = 64 * 1024;
/// Deeper data is nobody's event.
const MOST_LEVELS: usize = 64;

/// Takes out what may not leave.
#[derive(Clone, Debug)]
pub(crate) struct Redactor {
    classifications: BTreeSet<String>,
    withholds_subjects: bool,
    members: BTreeSet<String>,
    defences: Defences,
}

/// Text that nothing is in any more which may not leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redacted(String);

impl Redacted {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// At most so many bytes of it; where that is not all, it says so.
    pub(crate) fn within(self, bytes: usize) -> Self {
        if self.0.len() <= bytes {
            return self;
        }
        let part = self.0.get(..self.0.floor_char_boundary(bytes)).unwrap_or_default();
        Self(format!("{part} […]"))
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Default for Redactor {
    fn default() -> Self {
        Self {
            classifications: CLASSIFICATIONS.map(str::to_owned).into(),
            withholds_subjects: false,
            members: BTreeSet::new(),
            defences: Defences::default(),
        }
    }
}

fn is_data(member: &str) -> bool {
    matches!(member, "data" | "data_base64")
}

/// Whether a text looks as if it held a secret.
pub(crate) fn holds_secret(text: &str) -> bool {
    patterns::without_secrets(text) != text
}

impl Redactor {
    /// Reads the section `redaction`.
    pub(super) fn read(section: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Self {
        let mut redactor = Self::default();
        if !section.is_there() {
            return redactor;
        }
        section.only_keys(&KEYS, mistakes);
        let lower = |texts: Vec<String>| texts.into_iter().map(|text| text.to_lowercase()).collect();
        if section.at("dataClassifications").is_there() {
            redactor.classifications = lower(section.texts("dataClassifications", mistakes));
        }
        redactor.members = lower(section.texts("members", mistakes));
        redactor.withholds_subjects = section.boolean("withholdSubjects", mistakes).unwrap_or_default();
        redactor
    }

    #[cfg(test)]
    pub(super) fn with_defences(self, defences: Defences) -> Self {
        Self { defences, ..self }
    }

    /// Text of any kind.
    pub(crate) fn text(&self, text: &str) -> Redacted {
        let visible = visible(text);
        Redacted(if self.defences.has(Defence::Secrets) { patterns::without_secrets(&visible) } else { visible })
    }

    /// An event in CloudEvents' JSON format. One that is not understood is withheld as a whole.
    pub(crate) fn event(&self, json: &str) -> Redacted {
        let Ok(Value::Object(event)) = serde_json::from_str::<Value>(json) else {
            return Redacted(WITHHELD.to_owned());
        };
        let mut event = self.without_classified(event);
        if json.len() > LARGEST_EVENT_BYTES {
            for value in event.iter_mut().filter(|(name, _)| is_data(name)).map(|(_, value)| value) {
                *value = Value::String(LARGE.to_owned());
            }
        }
        // Last, so that what is cut off is data and not what the event is.
        let data = ["data", "data_base64"].map(|member| event.remove(member).map(|value| json!({ member: value })));
        let parts = std::iter::once(Value::Object(event)).chain(data.into_iter().flatten());
        let parts: Vec<String> = parts.map(|part| self.value(part).0).collect();
        Redacted(parts.join("\n"))
    }

    /// JSON of any kind, which stays JSON.
    pub(crate) fn json(&self, mut value: Value) -> Value {
        self.clean(&mut value, MOST_LEVELS);
        value
    }

    /// JSON of any kind, as text.
    pub(crate) fn value(&self, value: Value) -> Redacted {
        self.text(&self.json(value).to_string())
    }

    /// What stands at a JSON pointer, by the names of all that it stands in.
    pub(crate) fn at(&self, pointer: &str, value: &Value) -> Value {
        let mut names: Vec<String> =
            pointer.rsplit('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect();
        // Before the first slash there is no name.
        names.pop();
        let mut whole =
            names.into_iter().fold(value.clone(), |inner, name| Value::Object([(name, inner)].into_iter().collect()));
        self.clean(&mut whole, MOST_LEVELS);
        whole.pointer(pointer).cloned().unwrap_or_else(|| Value::String(MEMBER.to_owned()))
    }

    /// Whether what is classified loses its subject as well.
    pub(crate) fn withholds_subjects(&self) -> bool {
        self.withholds_subjects
    }

    /// Whether an event's subject is among what is withheld: then nobody may look for it either.
    pub(super) fn withholds_subject(&self, json: &str) -> bool {
        let event: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
        self.withholds_subjects && self.is_classified(&event)
    }

    fn without_classified(&self, mut event: Map<String, Value>) -> Map<String, Value> {
        if !self.is_classified(&event) {
            return event;
        }
        for member in ["data", "data_base64"] {
            if let Some(value) = event.get_mut(member) {
                *value = Value::String(WITHHELD.to_owned());
            }
        }
        if self.withholds_subjects && event.contains_key("subject") {
            event.insert("subject".to_owned(), Value::String(WITHHELD.to_owned()));
        }
        event
    }

    fn is_classified(&self, event: &Map<String, Value>) -> bool {
        let label = event.get(CLASSIFICATION).map(|label| match label {
            Value::String(label) => label.trim().to_lowercase(),
            other => other.to_string(),
        });
        self.defences.has(Defence::Classifications) && label.is_some_and(|label| self.classifications.contains(&label))
    }

    fn clean(&self, value: &mut Value, levels: usize) {
        match value {
            _ if levels == 0 => *value = Value::String(MEMBER.to_owned()),
            Value::Object(members) => {
                for (name, value) in members {
                    if self.members.contains(&name.to_lowercase()) {
                        *value = Value::String(MEMBER.to_owned());
                    } else if self.defences.has(Defence::Secrets) && values::is_secret(name, value) {
                        *value = Value::String(values::REDACTED.to_owned());
                    } else {
                        self.clean(value, levels.saturating_sub(1));
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.clean(item, levels.saturating_sub(1));
                }
            }
            // Text within JSON may be JSON again, or hold what only its own line breaks part.
            Value::String(text) => *text = self.text(text).0,
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
