//! The part of a Markdown link behind its text: `(address "title")`.

/// What stands at the beginning of some text.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Destination<'a> {
    /// An address as it is written, and how many bytes all of it takes, brackets included.
    Whole { address: &'a str, length: usize },
    /// It may become one when more comes.
    Begun,
    /// No link.
    None,
}

/// Reads what follows a link's text. It begins with `(`.
pub(in super::super) fn read(text: &str) -> Destination<'_> {
    let Some(inside) = text.strip_prefix('(') else { return Destination::None };
    let begun = inside.trim_start();
    let (address, rest) = if let Some(bracketed) = begun.strip_prefix('<') {
        match bracketed.find(['>', '<', '\n']) {
            None => return Destination::Begun,
            Some(end) => match bracketed.split_at(end) {
                (address, rest) if rest.starts_with('>') => (address, rest.get(1..).unwrap_or_default()),
                _ => return Destination::None,
            },
        }
    } else {
        match bare_end(begun) {
            None => return Destination::Begun,
            Some(end) => begun.split_at(end),
        }
    };
    let Some(rest) = after_title(rest) else { return Destination::Begun };
    match rest.strip_prefix(')') {
        Some(rest) => Destination::Whole { address, length: text.len().saturating_sub(rest.len()) },
        None if rest.is_empty() => Destination::Begun,
        None => Destination::None,
    }
}

/// Where an address without angle brackets ends: at a space, or at a bracket that closes what is not open in it.
fn bare_end(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut is_escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '(' => depth = depth.saturating_add(1),
            ')' if depth == 0 => return Some(at),
            ')' => depth = depth.saturating_sub(1),
            _ if character.is_whitespace() => return Some(at),
            _ => {}
        }
    }
    None
}

/// What follows a title, if there is one; nothing while it may go on.
fn after_title(text: &str) -> Option<&str> {
    let begun = text.trim_start();
    let close = match begun.chars().next() {
        Some(quote @ ('"' | '\'')) => quote,
        Some('(') => ')',
        _ => return Some(begun),
    };
    let title = begun.get(1..)?;
    let end = title.find(close)?;
    Some(title.get(end..)?.get(1..)?.trim_start())
}
