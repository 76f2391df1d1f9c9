//! Any bytes as the plugin's configuration: a gate, or mistakes with their places; never both, and never neither.

use serde_json::{Map, Value, json};

use super::fixture::{moment, with_authorization};
use crate::config::Mistake;
use crate::gate::Gate;
use crate::gate::explanation::SignatureCheck;
use crate::request::RawRequest;

pub(super) fn check(bytes: &[u8]) {
    let outcome = Gate::from_config(bytes);
    let written = serde_json::from_slice::<Value>(bytes).ok().filter(Value::is_object);
    if let Err(mistakes) = &outcome {
        every_mistake_has_a_place(mistakes, written.is_some());
    }
    let Some(written) = written else {
        assert!(outcome.is_err(), "a gate of no configuration");
        return;
    };
    traefiks_shapes_are_read_alike(&written, &outcome);
    if let Ok(gate) = outcome {
        a_misspelt_key_is_never_passed_over(written);
        nobody_comes_in_without_a_token(gate);
    }
}

fn every_mistake_has_a_place(mistakes: &[Mistake], is_object: bool) {
    assert!(!mistakes.is_empty(), "neither a gate nor a mistake");
    for mistake in mistakes {
        assert!(!mistake.place.is_empty() || !is_object, "no place: {mistake}");
        assert!(!mistake.what.trim().is_empty(), "nothing said of {}", mistake.place);
    }
}

/// Scalars as strings, and lists as `key[0]`, `key[1]`: from labels and key-value stores the same comes so.
fn traefiks_shapes_are_read_alike(written: &Value, outcome: &Result<Gate, Vec<Mistake>>) {
    let Some(shaped) = shaped(written) else { return };
    let again = Gate::from_config(shaped.to_string().as_bytes());
    assert_eq!(again.err().as_ref(), outcome.as_ref().err(), "read otherwise as {shaped}");
}

/// Nothing where the shape could not be told from what is written already. Keys of an issuer are JSON of somebody else.
fn shaped(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(_) | Value::Number(_) => Some(Value::String(value.to_string())),
        Value::Null | Value::String(_) => Some(value.clone()),
        Value::Array(items) => items.iter().map(shaped).collect::<Option<_>>().map(Value::Array),
        Value::Object(members) => {
            let mut out = Map::new();
            for (name, value) in members {
                match shaped(value)? {
                    _ if name.contains('[') => return None,
                    _ if name == "jwks" => drop(out.insert(name.clone(), value.clone())),
                    Value::Array(items) if !items.is_empty() => {
                        out.extend(
                            items.into_iter().enumerate().map(|(index, item)| (format!("{name}[{index}]"), item)),
                        );
                    }
                    other => drop(out.insert(name.clone(), other)),
                }
            }
            Some(Value::Object(out))
        }
    }
}

fn a_misspelt_key_is_never_passed_over(mut written: Value) {
    let name = "a key that nobody reads";
    written[name] = json!(true);
    let mistakes = Gate::from_config(written.to_string().as_bytes()).err().expect("a mistake");
    assert_eq!(mistakes.iter().map(|mistake| mistake.place.as_str()).collect::<Vec<_>>(), [name]);
}

/// But by a rule that is for anybody.
fn nobody_comes_in_without_a_token(mut gate: Gate) {
    for target in ["/", "/healthz", "/v1/events"] {
        let anonymous = RawRequest { target: target.into(), headers: Vec::new(), ..with_authorization(b"") };
        let (decision, explanation) = gate.explain(&anonymous, moment(), SignatureCheck::Done);
        let is_public = explanation.rules.iter().any(|rule| rule.public && rule.matches == Some(true));
        assert!(decision.is_err() || is_public, "let in by {:?}", explanation.rules);
    }
}
