//! A value, or a parameter as a whole, for what it stands for.

use std::ops::RangeInclusive;

use serde_json::Value;
use trust_core::Mistake;

use super::super::super::{Argument, schema};
use crate::section::Section;

const LONGEST_NAME_BYTES: usize = 255;
const LONGEST_IMAGE_BYTES: usize = 512;

/// What an argument stands for.
pub(super) enum Wanted {
    /// The name of a container or a pod.
    Name,
    /// An image.
    Image,
    /// A whole number within bounds.
    Number(RangeInclusive<u64>),
    /// Any JSON.
    Anything,
}

pub(super) fn argument(
    here: &Section<'_>,
    wanted: &Wanted,
    schema: Option<&Value>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Argument> {
    let Some(value) = here.value() else {
        here.mistake("a value, or {parameter: <name>}, was expected", mistakes);
        return None;
    };
    if value.get("parameter").is_some() {
        here.only_keys(&["parameter"], mistakes);
        let parameter = here.text("parameter", mistakes)?;
        if let Some(what) = schema.and_then(|schema| wrong_parameter(schema, &parameter, wanted)) {
            here.mistake(what, mistakes);
        }
        return Some(Argument::Parameter { parameter });
    }
    if let Some(what) = wrong_value(value, wanted) {
        here.mistake(what, mistakes);
    }
    Some(Argument::Value(value.clone()))
}

fn wrong_parameter(schema: &Value, name: &str, wanted: &Wanted) -> Option<String> {
    let Some(property) = schema::property(schema, name) else {
        return Some(format!("there is no parameter {name:?}"));
    };
    let (wanted_type, what) = match wanted {
        Wanted::Anything => return None,
        Wanted::Name => ("string", "a name"),
        Wanted::Image => ("string", "an image"),
        Wanted::Number(_) => ("integer", "a whole number"),
    };
    if schema::is_secret(property) {
        return Some(format!("the parameter {name} is secret, and {what} is seen by everybody"));
    }
    if property.get("type").and_then(Value::as_str) != Some(wanted_type) {
        return Some(format!("the parameter {name} stands for {what} here, and must be `type: {wanted_type}`"));
    }
    let is_always_there = schema::is_required(schema, name) || property.get("default").is_some();
    (!is_always_there)
        .then(|| format!("the parameter {name} may be left out; put it in `required`, or give it a default"))
}

fn wrong_value(value: &Value, wanted: &Wanted) -> Option<String> {
    match wanted {
        Wanted::Name => {
            let is_good = value.as_str().is_some_and(is_name);
            (!is_good).then(|| "a name was expected: letters, digits, _, . and -, or {parameter: <name>}".to_owned())
        }
        Wanted::Image => {
            let is_good = value.as_str().is_some_and(is_image);
            (!is_good).then(|| {
                "an image such as registry.example.com/worker:1.2 was expected, or {parameter: <name>}".to_owned()
            })
        }
        Wanted::Number(bounds) => {
            let is_good = value.as_u64().is_some_and(|number| bounds.contains(&number));
            let (least, most) = (bounds.start(), bounds.end());
            (!is_good).then(|| format!("a whole number from {least} to {most} was expected, or {{parameter: <name>}}"))
        }
        Wanted::Anything => {
            holds_parameter(value).then(|| "a parameter stands for the whole value, never for a part of one".to_owned())
        }
    }
}

/// Whoever writes it means a parameter, and would get the very words.
fn holds_parameter(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.get("parameter").is_some_and(|_| members.len() == 1) || members.values().any(holds_parameter)
        }
        Value::Array(items) => items.iter().any(holds_parameter),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// As Podman takes them.
fn is_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    name.len() <= LONGEST_NAME_BYTES
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(is_inner)
}

fn is_image(image: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'/' | b':' | b'@');
    image.len() <= LONGEST_IMAGE_BYTES
        && image.starts_with(|first: char| first.is_ascii_alphanumeric())
        && image.bytes().all(is_inner)
}
