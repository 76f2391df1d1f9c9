//! What a watch, or a runbook that suggests itself, asks of an event's data, member by member.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trust_core::Mistake;

use crate::section::Section;

const KEYS: [&str; 5] = ["at", "equals", "exists", "greaterThan", "lessThan"];
const LONGEST_POINTER_BYTES: usize = 256;
const MOST_CONDITIONS: usize = 16;

/// A condition on one member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The member, by its JSON pointer.
    #[serde(rename = "at")]
    pointer: String,
    #[serde(flatten)]
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Test {
    Equals(Value),
    Exists(bool),
    GreaterThan(f64),
    LessThan(f64),
}

impl Condition {
    /// Whether the data fulfils it. A member of another type than is asked for never does.
    pub(crate) fn holds(&self, data: &Value) -> bool {
        let found = data.pointer(&self.pointer);
        match &self.test {
            Test::Equals(wanted) => found.is_some_and(|found| is_same(found, wanted)),
            Test::Exists(wanted) => found.is_some() == *wanted,
            Test::GreaterThan(bound) => found.and_then(Value::as_f64).is_some_and(|number| number > *bound),
            Test::LessThan(bound) => found.and_then(Value::as_f64).is_some_and(|number| number < *bound),
        }
    }
}

/// 1 and 1.0 are one number, however they are written.
fn is_same(found: &Value, wanted: &Value) -> bool {
    match (found.as_f64(), wanted.as_f64()) {
        (Some(found_number), Some(wanted_number)) => found == wanted || found_number == wanted_number,
        _ => found == wanted,
    }
}

/// The conditions below `where`, all of which must hold.
pub(crate) fn read(root: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Vec<Condition> {
    let sections = root.list("where", mistakes);
    if sections.len() > MOST_CONDITIONS {
        root.at("where").mistake(format!("there may be {MOST_CONDITIONS} conditions"), mistakes);
    }
    sections.iter().filter_map(|section| read_one(section, mistakes)).collect()
}

fn read_one(section: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<Condition> {
    section.only_keys(&KEYS, mistakes);
    let pointer = section.required("at", mistakes).filter(|pointer| check_pointer(section, "at", pointer, mistakes));
    let mut tests = Vec::new();
    let equals = section.at("equals");
    if let Some(value) = equals.value() {
        if value.is_object() || value.is_array() {
            equals.mistake("a text, a number, true or false was expected", mistakes);
        }
        tests.push(Test::Equals(value.clone()));
    }
    if section.at("exists").is_there() {
        tests.extend(section.boolean("exists", mistakes).map(Test::Exists));
    }
    for (key, test) in [("greaterThan", Test::GreaterThan as fn(f64) -> Test), ("lessThan", Test::LessThan)] {
        let here = section.at(key);
        if let Some(value) = here.value() {
            match value.as_f64() {
                Some(bound) => tests.push(test(bound)),
                None => here.mistake("a number was expected", mistakes),
            }
        }
    }
    if tests.len() > 1 {
        section.mistake("one of equals, exists, greaterThan and lessThan was expected, not more", mistakes);
    }
    let asks = KEYS.iter().skip(1).any(|key| section.at(key).is_there());
    if !asks {
        section.mistake("one of equals, exists, greaterThan and lessThan is required", mistakes);
    }
    Some(Condition { pointer: pointer?, test: tests.pop()? })
}

/// Whether a text is a JSON pointer (RFC 6901) into the data; says so where it is none.
pub(crate) fn check_pointer(section: &Section<'_>, key: &str, pointer: &str, mistakes: &mut Vec<Mistake>) -> bool {
    let is_pointer = is_pointer(pointer);
    if !is_pointer {
        section.at(key).mistake("a JSON pointer such as /worker/state was expected", mistakes);
    }
    is_pointer
}

pub(crate) fn is_pointer(text: &str) -> bool {
    text.starts_with('/') && text.len() <= LONGEST_POINTER_BYTES && !text.chars().any(char::is_control)
}
