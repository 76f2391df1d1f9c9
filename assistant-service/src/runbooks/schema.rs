//! A runbook's parameters: a JSON Schema (draft 2020-12), compiled once, that never fetches anything.

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::problem::FieldError;

/// Compiles the schema of an object, or says why it is none.
pub(super) fn compile(schema: &Value) -> Result<Validator, String> {
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err("it must be a JSON Schema with `type: object`".to_owned());
    }
    jsonschema::draft202012::new(schema).map_err(|invalid| {
        let place = invalid.instance_path().to_string();
        format!("it is no JSON Schema: {invalid}{}{place}", if place.is_empty() { "" } else { " at " })
    })
}

/// Names every member that does not fit. The values stay out of the sentences: they may be secret.
pub(super) fn check(validator: &Validator, parameters: &Value) -> Result<(), Vec<FieldError>> {
    let errors: Vec<FieldError> = validator
        .iter_errors(parameters)
        .map(|error| {
            let mut field = format!("parameters{}", error.instance_path()).replace('/', ".");
            if let ValidationErrorKind::Required { property } = error.kind() {
                field = format!("{field}.{}", property.as_str().unwrap_or_default());
            }
            FieldError { field, detail: error.masked().to_string() }
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
