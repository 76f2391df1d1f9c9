//! A reader that takes for a link whatever any renderer might. It shares no code with what it is held against.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use regex::Regex;
use std::sync::LazyLock;

use crate::assistant::links::AllowedHosts;

static SCHEME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?i)[a-z][a-z0-9+.-]*://[^\s)>`]*").unwrap());
static FUZZY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)(www\.|mailto:|javascript:\S|\b[a-z0-9-]+\.(test|com|net)\b)").unwrap());
static TAG: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)<(script|iframe|svg|style|form|!--|/|[a-z]+[\s/][^>\n]*=)").unwrap());

/// The hosts that the tests allow.
pub(in crate::assistant) fn hosts() -> AllowedHosts {
    AllowedHosts::of(&["docs.example.com", "*.wiki.example.com"])
}

fn is_allowed(address: &str) -> bool {
    let host = address.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| host == "docs.example.com" || host.ends_with(".wiki.example.com") && !host.contains('@'))
}

/// What in a text leads, or could be taken to lead, where no answer may.
pub(in crate::assistant) fn foreign(text: &str) -> Vec<String> {
    let mut found: Vec<String> = SCHEME.find_iter(text).map(|found| found.as_str().to_owned()).collect();
    found.retain(|address| !is_allowed(address));
    found.extend(TAG.find_iter(text).map(|found| found.as_str().to_owned()));
    for options in [Options::empty(), Options::all()] {
        found.extend(rendered(text, options));
    }
    found
}

fn rendered(text: &str, options: Options) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = 0;
    let mut prose = String::new();
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => {
                inside += 1;
                found.extend(Some(dest_url.to_string()).filter(|address| !is_allowed(address)));
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                inside += 1;
                found.extend(Some(dest_url.to_string()).filter(|address| !is_allowed(address)));
            }
            Event::Start(Tag::CodeBlock(_)) => inside += 1,
            Event::End(TagEnd::Link | TagEnd::Image | TagEnd::CodeBlock) => inside -= 1,
            Event::Html(html) | Event::InlineHtml(html) => found.push(html.to_string()),
            Event::Text(text) if inside == 0 => prose.push_str(&text),
            _ => prose.push('\n'),
        }
    }
    let prose = SCHEME.replace_all(&prose, "");
    found.extend(FUZZY.find_iter(&prose).map(|found| found.as_str().to_owned()));
    found
}
