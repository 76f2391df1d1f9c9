//! Code: shown as it is, but for addresses that lead elsewhere, and tags that would do something where it is taken for HTML.

use super::{LINK_REMOVED, Marks, NOT_ALLOWED, Words, within};

const LONGEST_SPAN_BYTES: usize = 1024;
const LONGEST_TAG_BYTES: usize = 120;
const SCHEME_END: &str = "://";

/// Elements that do something without an attribute. Type parameters are called otherwise.
const ACTIVE_ELEMENTS: [&str; 22] = [
    "script",
    "style",
    "iframe",
    "object",
    "embed",
    "form",
    "svg",
    "math",
    "template",
    "textarea",
    "title",
    "xmp",
    "plaintext",
    "noscript",
    "noembed",
    "noframes",
    "frameset",
    "select",
    "base",
    "body",
    "head",
    "html",
];

impl<M: Marks> Words<M> {
    /// Takes a span of code in prose. A backtick that none answers on its line stands for itself: left as it is, another
    /// one further down might answer it, and turn inside out what is code and what is not.
    pub(super) fn code_span(&mut self, rest: &str, is_end: bool) -> Option<usize> {
        let inside = rest.trim_start_matches('`');
        let length = rest.len().saturating_sub(inside.len());
        if inside.is_empty() && !is_end && !self.is_full {
            return None;
        }
        let line = within(inside.split('\n').next().unwrap_or_default(), LONGEST_SPAN_BYTES);
        let is_open = !is_end && !self.is_full && line.len() == inside.len();
        let ticks = rest.get(..length).unwrap_or_default();
        match closing_run(line, length, is_open) {
            Some(end) => {
                let code = self.code_text(line.get(..end).unwrap_or_default());
                if !code.is_empty() {
                    self.out.span(&format!("{ticks}{code}{ticks}"));
                }
                Some(length.saturating_add(end).saturating_add(length))
            }
            None if is_open => None,
            None => {
                self.out.prose(&"&#96;".repeat(length));
                Some(length)
            }
        }
    }

    /// Takes a part of a line within a block of code.
    pub(super) fn step_code(&mut self, rest: &str, is_end: bool) -> Option<usize> {
        let Some(part) = part(rest, is_end) else {
            return self.is_full.then(|| self.skip(rest));
        };
        let text = self.shown(&part);
        self.out.code(&text);
        Some(part.length())
    }

    fn code_text(&mut self, code: &str) -> String {
        let mut text = String::with_capacity(code.len());
        let mut rest = code;
        while let Some(first) = rest.chars().next() {
            let space = first.is_whitespace().then(|| rest.get(..first.len_utf8())).flatten().map(Part::Text);
            let part = space.or_else(|| part(rest, true)).unwrap_or(Part::Text(rest));
            text.push_str(&self.shown(&part));
            rest = rest.get(part.length().max(1)..).unwrap_or_default();
        }
        // In a table a pipe ends the span for some parsers, and something else could begin.
        if text.contains('|') { text.replace("](", "] (").replace('<', "&lt;") } else { text }
    }

    fn shown(&mut self, part: &Part<'_>) -> String {
        match part {
            Part::Tag if self.guards_links() => "&lt;".to_owned(),
            Part::Tag => "<".to_owned(),
            Part::Text(text) if self.guards_links() => self.without_addresses(text),
            Part::Text(text) => (*text).to_owned(),
        }
    }

    fn without_addresses(&mut self, part: &str) -> String {
        let mut text = String::with_capacity(part.len());
        let mut rest = part;
        while let Some(at) = rest.find(SCHEME_END) {
            let is_scheme = |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
            let before = rest.get(..at).unwrap_or_default();
            let start = before.trim_end_matches(is_scheme).len();
            let address = rest.get(start..).unwrap_or_default();
            let end = at.saturating_sub(start).saturating_add(SCHEME_END.len());
            let behind = address.get(end..).unwrap_or_default();
            let end = end.saturating_add(behind.find(ends_address).unwrap_or(behind.len()));
            let (address, behind) = address.split_at(end);
            text.push_str(rest.get(..start).unwrap_or_default());
            if self.hosts.admit(address).is_some() {
                text.push_str(address);
            } else {
                self.remove("link", NOT_ALLOWED);
                text.push_str(LINK_REMOVED);
            }
            rest = behind;
        }
        text.push_str(rest);
        text
    }
}

fn ends_address(character: char) -> bool {
    character.is_whitespace() || "\"'<>`(){}[]|\\^".contains(character)
}

/// The next run of just so many backticks.
fn closing_run(line: &str, length: usize, is_open: bool) -> Option<usize> {
    let mut at = 0_usize;
    while let Some(found) = line.get(at..).and_then(|rest| rest.find('`')) {
        let start = at.saturating_add(found);
        let run = line.get(start..).unwrap_or_default();
        let behind = run.trim_start_matches('`');
        let run = run.len().saturating_sub(behind.len());
        if run == length && !(behind.is_empty() && is_open) {
            return Some(start);
        }
        at = start.saturating_add(run);
    }
    None
}

/// A part of a line of code.
enum Part<'a> {
    /// A word, or what stands in angle brackets and is no tag.
    Text(&'a str),
    /// The `<` of what would be a tag where it is taken for HTML.
    Tag,
}

impl Part<'_> {
    fn length(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Tag => 1,
        }
    }
}

/// The part that `rest` begins with; nothing while it may go on.
fn part(rest: &str, is_end: bool) -> Option<Part<'_>> {
    let Some(inside) = rest.strip_prefix('<') else {
        let end = rest.find(|character: char| character.is_whitespace() || character == '<');
        return end.or(is_end.then_some(rest.len())).and_then(|end| rest.get(..end)).map(Part::Text);
    };
    let line = within(inside.split('\n').next().unwrap_or_default(), LONGEST_TAG_BYTES);
    let is_open = !is_end && line.len() == inside.len();
    if inside.is_empty() && is_open {
        return None;
    }
    if !begins_tag(inside) {
        return rest.get(..1).map(Part::Text);
    }
    match closing_angle(line) {
        Some(end) => {
            let tag = rest.get(..end.saturating_add(2))?;
            Some(if is_type_parameter(tag.get(1..)?) { Part::Text(tag) } else { Part::Tag })
        }
        None if is_open => None,
        None => Some(Part::Tag),
    }
}

fn begins_tag(inside: &str) -> bool {
    inside.starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?'))
}

/// Where the angle bracket that is open closes.
fn closing_angle(line: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in line.char_indices() {
        match character {
            '<' => depth = depth.saturating_add(1),
            '>' if depth == 0 => return Some(at),
            '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// `T: Display>` and its like: nothing that could carry an address or a script.
fn is_type_parameter(inside: &str) -> bool {
    let Some(inside) = inside.strip_suffix('>') else { return false };
    let is_plain = |character: char| character.is_alphanumeric() || "_ ,:&'[]().+;*?-<>".contains(character);
    let is_namespaced = inside.replace("::", "").split(':').skip(1).any(|bound| !bound.starts_with(' '));
    let is_passive = |part: &str| {
        let name = part.split(|character: char| !character.is_ascii_alphanumeric()).next().unwrap_or_default();
        !ACTIVE_ELEMENTS.iter().any(|element| name.eq_ignore_ascii_case(element))
    };
    inside.starts_with(|first: char| first.is_ascii_alphabetic())
        && inside.chars().all(is_plain)
        && !is_namespaced
        && inside.split('<').all(is_passive)
}
