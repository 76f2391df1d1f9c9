//! The marks by which a model cites: `[c1: "quoted words"]`.

/// A mark as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark<'a> {
    /// What it cites, such as `c1`.
    pub(crate) id: &'a str,
    /// The words that should stand there; empty where none are named.
    pub(crate) quote: &'a str,
}

/// What a bracket begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read<'a> {
    Whole {
        mark: Mark<'a>,
        used: usize,
    },
    Begun,
    /// A mark that has no end.
    Endless {
        used: usize,
    },
    None,
}

/// Reads text that begins with `[`; nothing more of it is looked at where it `is_all`.
pub(super) fn read(rest: &str, is_all: bool) -> Read<'_> {
    let inside = rest.get(1..).unwrap_or_default();
    if inside.is_empty() {
        return if is_all { Read::None } else { Read::Begun };
    }
    let Some(after_letter) = inside.strip_prefix(['c', 'e']) else { return Read::None };
    let after = after_letter.trim_start_matches(|character: char| character.is_ascii_digit());
    let digits = after_letter.len().saturating_sub(after.len());
    if after.is_empty() {
        return if is_all || digits > 4 { Read::None } else { Read::Begun };
    }
    if !(1..=4).contains(&digits) || !after.starts_with([']', ':', ',', ' ']) {
        return Read::None;
    }
    let id = inside.get(..digits.saturating_add(1)).unwrap_or_default();
    let used_without = |left: &str| rest.len().saturating_sub(left.len());
    if let Some(left) = after.strip_prefix(']') {
        return Read::Whole { mark: Mark { id, quote: "" }, used: used_without(left) };
    }
    let words = after.trim_start_matches([':', ',', ' ']);
    match end_of(words) {
        Some((quote, left)) => Read::Whole { mark: Mark { id, quote }, used: used_without(left) },
        None if is_all => Read::Endless { used: used_without(words) },
        None => Read::Begun,
    }
}

/// The quoted words and what follows the mark. A bracket among them ends nothing.
fn end_of(words: &str) -> Option<(&str, &str)> {
    let close = match words.chars().next()? {
        quote @ ('"' | '\'') => quote,
        '“' => '”',
        _ => return words.split_once(']').map(|(quote, left)| (quote.trim(), left)),
    };
    let quote = words.get(words.chars().next()?.len_utf8()..)?;
    quote.match_indices(close).find_map(|(at, found)| {
        let behind = quote.get(at.saturating_add(found.len())..)?;
        let left = behind.trim_start().strip_prefix(']')?;
        Some((quote.get(..at)?, left))
    })
}
