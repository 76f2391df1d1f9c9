//! The rule table of a configuration.

use super::reader::{Mistake, Reader};
use crate::rules::claim::ClaimMatcher;
use crate::rules::expression::Expression;
use crate::rules::parser::{Call, RuleMistake, parse};
use crate::rules::request::RequestMatcher;
use crate::rules::{Access, EventRule, REQUEST_EVENT_TYPE, Rule};

pub(super) fn read(root: &Reader<'_>, mistakes: &mut Vec<Mistake>) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for reader in root.list("rules", mistakes) {
        let Some(rule) = rule(&reader, mistakes) else { continue };
        if rules.iter().any(|other| other.name == rule.name) {
            reader.at("name").mistake(format!("two rules are called {:?}", rule.name), mistakes);
        }
        rules.push(rule);
    }
    if root.is_empty("rules") {
        root.at("rules").mistake("at least one rule is needed: without rules every request is denied", mistakes);
    }
    rules
}

fn rule(reader: &Reader<'_>, mistakes: &mut Vec<Mistake>) -> Option<Rule> {
    reader.only_keys(&["name", "match", "require", "public", "event"], mistakes);
    let name = reader.required_string("name", mistakes);
    let matches = match reader.required_string("match", mistakes) {
        Some(text) => expression(&reader.at("match"), &text, RequestMatcher::read, mistakes),
        None => None,
    };
    let required = reader.string("require", mistakes);
    let requirement = match &required {
        Some(text) => expression(&reader.at("require"), text, ClaimMatcher::read, mistakes),
        None => None,
    };
    let is_public = reader.boolean("public", mistakes).unwrap_or(false);
    if is_public && required.is_some() {
        reader.mistake("a public rule looks at no token, so it cannot require anything of one", mistakes);
    }
    let event = event(&reader.at("event"), reader.value("event").is_some(), mistakes);
    if is_public && !event.client_types.is_empty() {
        reader.at("event.clientTypes").mistake("nobody unknown may send events of their own", mistakes);
    }
    let access = if is_public { Access::Public } else { Access::Authenticated(requirement) };
    Some(Rule { name: name?, matches: matches?, access, event })
}

fn event(reader: &Reader<'_>, is_written: bool, mistakes: &mut Vec<Mistake>) -> EventRule {
    if is_written {
        reader.only_keys(&["type", "clientTypes"], mistakes);
    }
    let event_type = reader.string("type", mistakes).unwrap_or_else(|| REQUEST_EVENT_TYPE.to_owned());
    if !is_event_type(&event_type) {
        reader.at("type").mistake(format!("{event_type:?} is not an event type such as com.example.frame"), mistakes);
    }
    let mut client_types = Vec::new();
    for (reader, pattern) in reader.strings("clientTypes", mistakes) {
        if !is_event_type(pattern.strip_suffix(".*").unwrap_or(&pattern)) {
            let what = format!("{pattern:?} is not an event type such as com.example.frame or com.example.*");
            reader.mistake(what, mistakes);
        }
        client_types.push(pattern);
    }
    EventRule { event_type, client_types }
}

/// Dotted parts of letters, digits, `-` and `_`: they need no encoding in a header.
fn is_event_type(text: &str) -> bool {
    let is_part_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.split('.').all(|part| !part.is_empty() && part.bytes().all(is_part_byte))
}

fn expression<M>(
    reader: &Reader<'_>,
    text: &str,
    read: fn(Call) -> Result<M, RuleMistake>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Expression<M>> {
    parse(text, read).map_err(|found| found.iter().for_each(|found| reader.mistake(found.to_string(), mistakes))).ok()
}
