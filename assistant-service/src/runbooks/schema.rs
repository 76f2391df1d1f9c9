//! A runbook's parameters: a JSON Schema (draft 2020-12), compiled once, that never fetches anything.

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

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

/// The parameters that the schema knows by name, with the schema of each.
pub(super) fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, property)| (name.as_str(), property))
}

/// The schema of the parameter with this name.
pub(super) fn property<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    schema.get("properties")?.get(name)
}

/// Whether no call goes without the parameter.
pub(super) fn is_required(schema: &Value, name: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|required| required.as_str() == Some(name)))
}

/// Whether the schema is of a parameter that nobody but the command's holder may see.
pub(super) fn is_secret(property: &Value) -> bool {
    property.get("secret").and_then(Value::as_bool) == Some(true)
}

/// The parameters that have defaults, each with its own.
pub(super) fn defaults(schema: &Value) -> Map<String, Value> {
    let default = |(name, property): (&str, &Value)| Some((name.to_owned(), property.get("default")?.clone()));
    properties(schema).filter_map(default).collect()
}
