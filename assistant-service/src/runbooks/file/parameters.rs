//! The schema of a runbook's parameters, with what we add to JSON Schema: `secret`, and defaults that are put in.

use jsonschema::Validator;
use serde_json::{Map, Value};
use trust_core::Mistake;

use super::super::schema;
use crate::section::Section;

/// Members of a schema that hold schemas by names of somebody's own.
const NAMED: [&str; 5] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
/// Members of a schema that hold data, in which nothing is a schema.
const DATA: [&str; 4] = ["default", "enum", "const", "examples"];

pub(super) fn read(root: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<(Value, Validator)> {
    super::required(root, "parameters", mistakes)?;
    let section = root.at("parameters");
    let written = section.value()?;
    let validator = match schema::compile(written) {
        Ok(validator) => validator,
        Err(what) => {
            section.mistake(what, mistakes);
            return None;
        }
    };
    let properties = section.at("properties");
    for (name, property) in schema::properties(written) {
        let here = properties.at(name);
        if let Some(what) = wrong_secret(property) {
            here.mistake(what, mistakes);
        }
        // What the schema of one parameter holds, besides what has been looked at here.
        let inner = property.as_object().map(|members| {
            members.iter().filter(|(key, _)| !matches!(key.as_str(), "secret" | "default")).collect::<Vec<_>>()
        });
        for (key, value) in inner.into_iter().flatten() {
            misplaced(&here.at(key), key, value, mistakes);
        }
    }
    for (key, value) in written.as_object().into_iter().flatten() {
        match key.as_str() {
            "properties" => {}
            "secret" | "default" => section.at(key).mistake(AT_THE_TOP, mistakes),
            _ => misplaced(&section.at(key), key, value, mistakes),
        }
    }
    check_defaults(written, &properties, mistakes);
    Some((written.clone(), validator))
}

const AT_THE_TOP: &str = "this counts in the schema of a parameter itself alone (`properties: {<name>: …}`), not here";

/// A secret is a text that the caller gives, of which the catalogue, which everybody reads, says nothing.
fn wrong_secret(property: &Value) -> Option<&'static str> {
    match property.get("secret")? {
        Value::Bool(false) => None,
        Value::Bool(true) if property.get("type").and_then(Value::as_str) != Some("string") => {
            Some("a secret must be `type: string`")
        }
        Value::Bool(true) if DATA.iter().any(|key| property.get(key).is_some()) => {
            Some("a secret has no default, enum, const or examples: everybody reads the catalogue")
        }
        Value::Bool(true) => None,
        _ => Some("`secret` is true or false"),
    }
}

/// Finds `secret` and `default` where nobody would heed them: what somebody takes for a secret would be shown.
fn misplaced(here: &Section<'_>, key: &str, value: &Value, mistakes: &mut Vec<Mistake>) {
    if DATA.contains(&key) {
        return;
    }
    let is_named = NAMED.contains(&key);
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                if !is_named && matches!(name.as_str(), "secret" | "default") {
                    here.at(name).mistake(AT_THE_TOP, mistakes);
                } else {
                    // A name of somebody's own is no keyword.
                    misplaced(&here.at(name), if is_named { "" } else { name }, inner, mistakes);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                misplaced(here, "", item, mistakes);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Holds each default against the schema of its parameter, whatever the schema says of parameters together.
fn check_defaults(written: &Value, properties: &Section<'_>, mistakes: &mut Vec<Mistake>) {
    let defaults = schema::defaults(written);
    let kept = ["$schema", "$defs", "definitions", "properties"];
    let mut alone: Map<String, Value> =
        kept.iter().filter_map(|key| Some(((*key).to_owned(), written.get(key)?.clone()))).collect();
    alone.insert("type".to_owned(), "object".into());
    let Ok(validator) = schema::compile(&Value::Object(alone)) else {
        properties.mistake("a parameter's schema points out of it; only `$defs` may be meant", mistakes);
        return;
    };
    for (name, default) in defaults {
        let one = Value::Object([(name.clone(), default)].into_iter().collect());
        for wrong in schema::check(&validator, &one).err().into_iter().flatten() {
            properties.at(&name).at("default").mistake(format!("it does not fit: {}", wrong.detail), mistakes);
        }
    }
}
