//! Who carries a runbook out, and what names look like.

use serde_json::Value;
use trust_core::Mistake;

use super::super::{RUNNER, RunbookTarget, schema};
use crate::section::Section;

const LONGEST_NAME_BYTES: usize = 64;

/// `schema` is that of the parameters, where it could be read.
pub(super) fn read(root: &Section<'_>, schema: Option<&Value>, mistakes: &mut Vec<Mistake>) -> Option<RunbookTarget> {
    super::required(root, "target", mistakes)?;
    let section = root.at("target");
    section.only_keys(&["service", "service_from"], mistakes);
    match (section.text("service", mistakes), section.text("service_from", mistakes)) {
        (Some(service), None) => {
            check_name(&section.at("service"), &service, mistakes);
            Some(RunbookTarget::Service { service })
        }
        (None, Some(service_from)) => {
            if let Some(what) = schema.and_then(|schema| wrong_selector(schema, &service_from)) {
                section.at("service_from").mistake(what, mistakes);
            }
            Some(RunbookTarget::Selector { service_from })
        }
        _ => {
            section.mistake(
                "either `service`, a name, or `service_from`, the parameter that holds it, was expected",
                mistakes,
            );
            None
        }
    }
}

/// An approver must see which service it will be, and a caller can choose none that is not listed.
fn wrong_selector(schema: &Value, name: &str) -> Option<String> {
    let Some(property) = schema::property(schema, name) else {
        return Some(format!("there is no parameter {name:?}"));
    };
    if property.get("type").and_then(Value::as_str) != Some("string") || !schema::is_required(schema, name) {
        return Some(format!("the parameter {name} must be `type: string` and stand in `required`"));
    }
    let services = property.get("enum").and_then(Value::as_array).filter(|services| !services.is_empty());
    let Some(services) = services else {
        return Some(format!("the parameter {name} must list with `enum` all services that it may be"));
    };
    let bad = services.iter().find(|service| service.as_str().is_none_or(|service| !is_name(service)));
    if let Some(bad) = bad {
        return Some(format!("the parameter {name} may be {bad}, which is no name of a service"));
    }
    services.iter().any(|service| service.as_str() == Some(RUNNER)).then(|| {
        format!("the parameter {name} may be {RUNNER}, whose runbooks have steps and name it with `service: {RUNNER}`")
    })
}

/// A name stands in addresses, subjects and logs.
pub(super) fn check_name(here: &Section<'_>, name: &str, mistakes: &mut Vec<Mistake>) {
    if !is_name(name) {
        let what =
            format!("{name:?} is no name: use lower-case words joined by hyphens, {LONGEST_NAME_BYTES} bytes at most");
        here.mistake(what, mistakes);
    }
}

fn is_name(name: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    name.len() <= LONGEST_NAME_BYTES && name.split('-').all(is_word)
}
