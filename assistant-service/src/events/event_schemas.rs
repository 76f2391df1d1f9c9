//! What the data of an event must be: one JSON Schema for each type that has one, read at start. Nothing is ever fetched
//! for them, and no pattern in them takes longer than its text.

mod folder;

use std::collections::HashMap;
use std::path::Path;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use thiserror::Error;

use super::cloud_event::CloudEvent;
use crate::problem::{FieldError, MAX_FIELD_ERRORS};

/// The schemas, by the event type whose data they are for.
#[derive(Debug, Default)]
pub struct EventSchemas {
    by_type: HashMap<String, Validator>,
}

/// Everything that is wrong with a folder of schemas, one sentence each.
#[derive(Debug, Error)]
#[error("the event schemas cannot be used:{}", .0.iter().map(|mistake| format!("\n  {mistake}")).collect::<String>())]
pub struct InvalidEventSchemas(Vec<String>);

impl EventSchemas {
    /// Reads every `<event type>.json` of a folder.
    pub fn load(folder: &Path) -> Result<Self, InvalidEventSchemas> {
        folder::read(folder)
    }

    /// How many types have a schema.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_type.len()
    }

    /// Holds an event's data against the schema of its type, and names each part that does not fit by its JSON pointer
    /// (RFC 6901). The values stay out of the sentences: they may be secret.
    pub(super) fn check(&self, event: &CloudEvent) -> Result<(), Vec<FieldError>> {
        let Some(validator) = self.by_type.get(event.event_type()) else { return Ok(()) };
        let wrong = |detail: &str| Err(vec![FieldError::new("/data", detail)]);
        let Some(text) = event.json_data() else {
            return wrong("must be there and be JSON: events of this type have a schema");
        };
        let Ok(data) = serde_json::from_slice::<Value>(&text) else { return wrong("is not JSON") };
        let errors: Vec<_> = validator.iter_errors(&data).take(MAX_FIELD_ERRORS).map(|error| said(&error)).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

fn compile(schema: &Value) -> Result<Validator, String> {
    let options = jsonschema::options().offline().with_pattern_options(PatternOptions::regex());
    options.build(schema).map_err(|invalid| {
        let place = invalid.instance_path().to_string();
        format!("it is no JSON Schema: {invalid}{}{place}", if place.is_empty() { "" } else { " at " })
    })
}

fn said(error: &jsonschema::ValidationError<'_>) -> FieldError {
    let mut pointer = format!("/data{}", error.instance_path());
    if let ValidationErrorKind::Required { property } = error.kind() {
        let property = property.as_str().unwrap_or_default();
        pointer = format!("{pointer}/{}", property.replace('~', "~0").replace('/', "~1"));
    }
    FieldError::new(pointer, error.masked().to_string())
}

#[cfg(test)]
mod tests;
