//! One file of a watch: YAML in, a [`Watch`] or every mistake in it out.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use trust_core::Mistake;

use super::super::question::QuestionTemplate;
use super::super::{INSIGHT, duration, grouping};
use super::{Filter, Watch};
use crate::backbone::TypeFilter;
use crate::condition;
use crate::config_file::{self, LocatedMistake};
use crate::section::Section;

const KEYS: [&str; 10] =
    ["name", "filter", "where", "groupBy", "window", "atLeast", "cooldown", "question", "scopes", "budget"];
const LONGEST_NAME_BYTES: usize = 48;
const LONGEST_TEXT_BYTES: usize = 2048;
const MOST_SCOPES: usize = 16;

const HOUR: u64 = 60 * 60;
const LONGEST_WINDOW_SECONDS: u64 = 24 * HOUR;
/// An insight is told anew once a minute, so none is over sooner.
const SHORTEST_COOLDOWN_SECONDS: u64 = 60;
const LONGEST_COOLDOWN_SECONDS: u64 = 7 * 24 * HOUR;
/// They are kept until there are enough of them.
const MOST_AT_LEAST: u64 = 100;
const MOST_INSIGHTS_PER_HOUR: u64 = 1000;

const USUAL_WINDOW: Duration = Duration::from_secs(5 * 60);
const USUAL_COOLDOWN: Duration = Duration::from_secs(30 * 60);
const USUAL_INSIGHTS_PER_HOUR: u64 = 20;

/// Reads a watch. Every key is looked at even after a mistake, so that one attempt shows them all.
pub(in super::super) fn read(text: &str) -> Result<Watch, Vec<LocatedMistake>> {
    config_file::read(text, |root, mistakes| whole(text, root, mistakes))
}

fn whole(text: &str, root: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<Watch> {
    root.only_keys(&KEYS, mistakes);
    let name = root.required("name", mistakes).filter(|name| {
        let is_name = is_name(name);
        if !is_name {
            let what = format!("lower-case words joined by hyphens were expected, {LONGEST_NAME_BYTES} bytes at most");
            root.at("name").mistake(what, mistakes);
        }
        is_name
    });
    let filter = filter(root, mistakes);
    let conditions = condition::read(root, mistakes);
    let group_by = grouping::read(root, mistakes);
    let window = duration::read(root, "window", 1..=LONGEST_WINDOW_SECONDS, mistakes);
    let cooldown = duration::read(root, "cooldown", SHORTEST_COOLDOWN_SECONDS..=LONGEST_COOLDOWN_SECONDS, mistakes);
    let at_least = root.number("atLeast", 1..=MOST_AT_LEAST, mistakes).unwrap_or(1);
    let question = root.required("question", mistakes).and_then(|text| {
        QuestionTemplate::read(&text).map_err(|what| root.at("question").mistake(what, mistakes)).ok()
    });
    let scopes = scopes(root, mistakes);
    let budget = root.at("budget");
    if budget.is_there() {
        budget.only_keys(&["insightsPerHour"], mistakes);
    }
    let insights_per_hour = budget.number("insightsPerHour", 0..=MOST_INSIGHTS_PER_HOUR, mistakes);
    let digest = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    Some(Watch {
        name: name?,
        digest,
        filter: filter?,
        conditions,
        group_by,
        window: window.unwrap_or(USUAL_WINDOW),
        at_least: usize::try_from(at_least).unwrap_or(usize::MAX),
        cooldown: cooldown.unwrap_or(USUAL_COOLDOWN),
        question: question?,
        scopes,
        insights_per_hour: u32::try_from(insights_per_hour.unwrap_or(USUAL_INSIGHTS_PER_HOUR)).unwrap_or(u32::MAX),
        redactor: Arc::default(),
    })
}

/// Says so when `type` below a section names no event that a watch could see.
pub(crate) fn check_event_type(section: &Section<'_>, event_type: &str, mistakes: &mut Vec<Mistake>) {
    let named = event_type.strip_suffix(".*").unwrap_or(event_type);
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_graphic() && c != '*');
    if !named.split('.').all(is_word) {
        let what = "a type such as com.example.alert was expected, or com.example.* for all below one";
        section.at("type").mistake(what, mistakes);
    } else if named == INSIGHT || named.strip_prefix(INSIGHT).is_some_and(|rest| rest.starts_with('.')) {
        section.at("type").mistake("insights are made by watches, and never wake one", mistakes);
    }
}

/// A watch over everything would be one over all that the service itself does: it must say what it wants.
fn filter(root: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<Filter> {
    let section = root.at("filter");
    if !section.is_there() {
        section.mistake("this is required", mistakes);
        return None;
    }
    section.only_keys(&["type", "source", "subject", "text"], mistakes);
    let mut text = |key: &str| {
        let text = section.at(key).is_there().then(|| section.text(key, mistakes)).flatten()?;
        if text.len() > LONGEST_TEXT_BYTES {
            section.at(key).mistake(format!("{LONGEST_TEXT_BYTES} bytes at most were expected"), mistakes);
        }
        Some(text)
    };
    let (event_type, source, subject, part) = (text("type"), text("source"), text("subject"), text("text"));
    if let Some(event_type) = &event_type {
        check_event_type(&section, event_type, mistakes);
    }
    if [&event_type, &source, &subject, &part].into_iter().all(Option::is_none) {
        section.mistake("one of type, source, subject and text is required", mistakes);
    }
    Some(Filter { event_type: event_type.as_deref().map(TypeFilter::of), source, subject, text: part })
}

fn scopes(root: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Vec<String> {
    let items = root.list("scopes", mistakes);
    if items.len() > MOST_SCOPES {
        root.at("scopes").mistake(format!("there may be {MOST_SCOPES} of them"), mistakes);
    }
    let mut scopes = Vec::new();
    for item in items {
        let is_scope =
            |text: &&str| !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        match item.as_text().filter(is_scope) {
            Some(scope) => scopes.push(scope.to_owned()),
            None => item.mistake("one scope was expected (RFC 6749, section 3.3)", mistakes),
        }
    }
    scopes
}

/// It becomes a part of the principal, of keys and of a label.
fn is_name(name: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    name.len() <= LONGEST_NAME_BYTES && name.split('-').all(is_word)
}
