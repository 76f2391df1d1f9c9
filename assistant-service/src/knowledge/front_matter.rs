//! What a document says of itself before its text: YAML between lines of `---`.
//!
//! A document without front matter is for everybody, so whatever may have been meant as one and is none makes the document
//! unreadable: a typing error must not open what its author wanted closed.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use strsim::damerau_levenshtein;
use thiserror::Error;

use super::audience::Audience;

const AUDIENCE: &str = "audience";
/// So many slips of the pen still make `audience` of another word.
const MOST_SLIPS: usize = 2;
/// Front matter that is not where it should be is looked for in so many lines.
const HEAD_LINES: usize = 20;

/// What a document says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FrontMatter {
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it is called.
    pub title: Option<String>,
    /// Who may read it.
    pub audience: Audience,
}

/// Why front matter cannot be relied upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidFrontMatter {
    /// There is no second line of `---`.
    #[error("its front matter does not end; close it with a line `---`")]
    NotClosed,
    /// It is no map in YAML.
    #[error("its front matter is no map in YAML, see line {line}")]
    NotYaml {
        /// Where, counted from the file's first line.
        line: u64,
    },
    /// A key that stands for a text has none.
    #[error("its front matter has no text for `{key}`")]
    NoText {
        /// Which.
        key: &'static str,
    },
    /// Who may read it is not said as scopes.
    #[error("`audience` in its front matter is neither a scope nor a list of scopes")]
    NoScopes,
    /// A key is almost `audience`, or stands below another one.
    #[error("its front matter says an audience in a place or with a name that is not `audience`")]
    AlmostAudience,
    /// An audience is named where no front matter is.
    #[error("it names an audience outside of its front matter; write that first, between lines of `---`")]
    Outside,
}

/// Reads the front matter. The text comes back with blanks in its place, so that it is neither searched nor quoted while
/// every line keeps its number.
pub(super) fn read(source: String) -> Result<(FrontMatter, String), InvalidFrontMatter> {
    let Some(block) = block(&source)? else {
        refuse_outside(&source)?;
        return Ok((FrontMatter::default(), source));
    };
    let lines_before = source.get(..block.yaml.start).unwrap_or_default().matches('\n').count();
    let front = fields(source.get(block.yaml).unwrap_or_default(), lines_before)?;
    let (before, after) = source.split_at(block.end);
    refuse_outside(after)?;
    let mut blanked: String = before.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
    blanked.push_str(after);
    Ok((front, blanked))
}

struct Block {
    yaml: Range<usize>,
    end: usize,
}

/// Where front matter stands. It may be indented or begin after blank lines, where other programs see none; it ends at the
/// margin alone, since text within it may be indented.
fn block(source: &str) -> Result<Option<Block>, InvalidFrontMatter> {
    let (mut opened, mut end) = (None, 0_usize);
    for line in source.split_inclusive('\n') {
        let start = end;
        end = end.saturating_add(line.len());
        let text = line.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}');
        match opened {
            None if text.is_empty() => {}
            None if text == "---" => opened = Some(end),
            None => return Ok(None),
            Some(opened) if matches!(line.trim_end(), "---" | "...") => {
                return Ok(Some(Block { yaml: opened..start, end }));
            }
            Some(_) => {}
        }
    }
    if opened.is_some() { Err(InvalidFrontMatter::NotClosed) } else { Ok(None) }
}

fn fields(yaml: &str, lines_before: usize) -> Result<FrontMatter, InvalidFrontMatter> {
    if yaml.trim().is_empty() {
        return Ok(FrontMatter::default());
    }
    let mut fields: BTreeMap<String, Value> = serde_saphyr::from_str(yaml).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        InvalidFrontMatter::NotYaml { line: line.saturating_add(u64::try_from(lines_before).unwrap_or_default()) }
    })?;
    let mut text = |key: &'static str| match fields.remove(key) {
        None => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
        Some(_) => Err(InvalidFrontMatter::NoText { key }),
    };
    let (owner, title) = (text("owner")?, text("title")?);
    let audience = match fields.remove(AUDIENCE) {
        None => Audience::default(),
        Some(value) => Audience::read(&value).ok_or(InvalidFrontMatter::NoScopes)?,
    };
    if fields.iter().any(|(key, value)| is_almost_audience(key) || holds_audience(value)) {
        return Err(InvalidFrontMatter::AlmostAudience);
    }
    Ok(FrontMatter { owner, title, audience })
}

fn is_almost_audience(key: &str) -> bool {
    damerau_levenshtein(&key.trim().to_lowercase(), AUDIENCE) <= MOST_SLIPS
}

fn holds_audience(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(key, value)| is_almost_audience(key) || holds_audience(value)),
        Value::Array(values) => values.iter().any(holds_audience),
        _ => false,
    }
}

/// Refuses text that begins as front matter would without its lines of `---`, with others in their place, or that has it
/// after the first heading.
fn refuse_outside(text: &str) -> Result<(), InvalidFrontMatter> {
    let mut may_be_meant = true;
    for line in text.lines().take(HEAD_LINES) {
        if line.starts_with('#') {
            may_be_meant = false;
        } else if is_like_a_fence(line) {
            may_be_meant = true;
        } else if may_be_meant && key(line).is_some_and(is_almost_audience) {
            return Err(InvalidFrontMatter::Outside);
        }
    }
    Ok(())
}

fn is_like_a_fence(line: &str) -> bool {
    let line = line.trim();
    line.len() > 1 && line.chars().all(|character| matches!(character, '-' | '–' | '—' | '+'))
}

/// The word before a line's first `:` or `=`.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once([':', '='])?;
    let key = key.trim_matches(|character: char| !character.is_alphanumeric());
    (!key.contains(char::is_whitespace)).then_some(key)
}
