//! Lines that open and close blocks of code.
//!
//! Whatever a block was indented by, it leaves at the margin: there all parsers of Markdown agree on where it ends, within a
//! list they need not.

use super::within;

const LONGEST_LINE_BYTES: usize = 256;
const LONGEST_LANGUAGE: usize = 32;

/// An open block of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fence {
    character: char,
    length: usize,
    indentation: usize,
    language: String,
}

/// What a line's beginning is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Begun,
    Opens {
        fence: Fence,
        used: usize,
    },
    Closes {
        used: usize,
    },
    /// Any other line; of the open block's indentation so much stands before it.
    Other {
        indentation: usize,
    },
}

impl Fence {
    pub(super) fn line(&self) -> String {
        format!("{}{}", self.closing(), self.language)
    }

    pub(super) fn closing(&self) -> String {
        self.character.to_string().repeat(self.length)
    }
}

pub(super) fn read(rest: &str, open: Option<&Fence>, is_end: bool) -> Line {
    let all = rest.split_inclusive('\n').next().unwrap_or_default();
    let line = within(all, LONGEST_LINE_BYTES);
    let is_whole = is_end || line.ends_with('\n') || line.len() < all.len();
    let text = line.trim_start_matches([' ', '\t']);
    let indentation = line.len().saturating_sub(text.len());
    let other = Line::Other { indentation: open.map_or(0, |open| open.indentation.min(indentation)) };
    let character = match text.chars().next() {
        None if !is_whole => return Line::Begun,
        Some(character @ ('`' | '~')) => character,
        _ => return other,
    };
    let after = text.trim_start_matches(character);
    let length = text.len().saturating_sub(after.len());
    if after.is_empty() && !is_whole {
        return Line::Begun;
    }
    match open {
        _ if length < 3 => other,
        Some(open) if character != open.character || length < open.length || !after.trim().is_empty() => other,
        Some(_) if is_whole => Line::Closes { used: line.len() },
        None if character == '`' && after.contains('`') => other,
        None if is_whole => {
            let fence = Fence { character, length, indentation, language: language(after) };
            Line::Opens { fence, used: line.len() }
        }
        _ => Line::Begun,
    }
}

fn language(info: &str) -> String {
    let word = info.split_whitespace().next().unwrap_or_default();
    let is_plain = |character: &char| character.is_ascii_alphanumeric() || "+-#_".contains(*character);
    word.chars().take_while(is_plain).take(LONGEST_LANGUAGE).collect()
}
