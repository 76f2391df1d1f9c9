//! Lets the words of an answer out as they come, and nothing that is more than words.
//!
//! What leaves is the same however the text was cut into pieces, and is safe in whatever renders it: as Markdown, with or
//! without HTML, with links made of bare addresses or not. Held back is only what may yet become something else: the
//! word that is being written, a mark, a link, a span of code, the beginning of a line; each up to a bound.

mod bracket;
mod characters;
mod code;
mod fence;
mod mark;
mod out;
mod word;

#[cfg(test)]
mod tests;

use super::Removed;
use super::defences::{Defence, Defences};
use super::links::AllowedHosts;
use characters::Characters;
use fence::{Fence, Line};
use out::Out;

pub(super) use characters::visible;
pub(super) use mark::Mark;

/// More is never held back: what is longer is taken out.
const LONGEST_HELD_BYTES: usize = 2048;
/// An answer may be nothing but what must be taken out; a part of it tells as much.
const MOST_REMOVED: usize = 32;

/// Says what becomes of the marks by which a model cites.
pub(crate) trait Marks {
    /// Whether `[c1: "…"]` is a mark at all.
    const ARE_READ: bool;

    /// What stands in the mark's place, or why nothing does.
    fn cite(&mut self, mark: &Mark<'_>) -> Result<String, Removed>;
}

/// A text that nobody cites in.
#[derive(Debug, Default)]
pub(crate) struct NoMarks;

impl Marks for NoMarks {
    const ARE_READ: bool = false;

    fn cite(&mut self, _: &Mark<'_>) -> Result<String, Removed> {
        Err(Removed { what: "citation", why: String::new() })
    }
}

/// A text on its way out.
pub(crate) struct Words<M> {
    hosts: AllowedHosts,
    defences: Defences,
    marks: M,
    is_link_text: bool,
    characters: Characters,
    /// What came and has not left.
    held: String,
    out: Out,
    removed: Vec<Removed>,
    fence: Option<Fence>,
    is_at_line_start: bool,
    /// Whether the rest of a word that is too long is passed over.
    is_skipping: bool,
    /// Whether as much is held as ever is.
    is_full: bool,
}

impl<M: Marks> Words<M> {
    pub(crate) fn new(hosts: AllowedHosts, defences: Defences, marks: M) -> Self {
        Self {
            hosts,
            defences,
            marks,
            is_link_text: false,
            characters: Characters::default(),
            held: String::new(),
            out: Out::default(),
            removed: Vec::new(),
            fence: None,
            is_at_line_start: true,
            is_skipping: false,
            is_full: false,
        }
    }

    /// Takes a piece; what may leave now.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        self.characters.read(piece, &mut self.held);
        self.drain(false);
        self.out.take()
    }

    /// The rest, what was taken out, and what became of the marks.
    pub(crate) fn finish(mut self) -> (String, Vec<Removed>, M) {
        self.drain(true);
        if let Some(fence) = self.fence.take() {
            // Whatever is written below the answer must not become code.
            self.out.end_line();
            self.out.code(&fence.closing());
        }
        (self.out.take(), self.removed, self.marks)
    }

    fn drain(&mut self, is_end: bool) {
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_str();
        while !rest.is_empty() {
            // However much has come, no more is looked at: what leaves must not depend on how it was cut.
            let part = within(rest, LONGEST_HELD_BYTES);
            self.is_full = part.len() < rest.len();
            let Some(used) = self.step(part, is_end && !self.is_full) else { break };
            rest = rest.get(used.max(1)..).unwrap_or_default();
        }
        self.held = rest.to_owned();
    }

    /// Takes one thing from the beginning of `rest`; how many bytes it had. Nothing while it is not whole.
    fn step(&mut self, rest: &str, is_end: bool) -> Option<usize> {
        let first = rest.chars().next()?;
        if self.is_skipping && !first.is_whitespace() {
            return Some(first.len_utf8());
        }
        self.is_skipping = false;
        if self.is_at_line_start && !self.is_link_text {
            match fence::read(rest, self.fence.as_ref(), is_end) {
                Line::Begun => return None,
                Line::Opens { fence, used } => {
                    self.out.code(&fence.line());
                    self.out.code("\n");
                    self.fence = Some(fence);
                    return Some(used);
                }
                Line::Closes { used } => {
                    let line = self.fence.take().map(|fence| fence.closing()).unwrap_or_default();
                    self.out.code(&line);
                    self.out.code("\n");
                    return Some(used);
                }
                Line::Other { indentation } => {
                    self.is_at_line_start = false;
                    if indentation > 0 {
                        return Some(indentation);
                    }
                }
            }
        }
        if first.is_whitespace() {
            self.is_at_line_start = first == '\n';
            self.out.prose(first.encode_utf8(&mut [0; 4]));
            return Some(first.len_utf8());
        }
        if self.fence.is_some() { self.step_code(rest, is_end) } else { self.step_prose(rest, first, is_end) }
    }

    fn step_prose(&mut self, rest: &str, first: char, is_end: bool) -> Option<usize> {
        match first {
            '|' => {
                self.out.prose("|");
                Some(1)
            }
            '`' => self.code_span(rest, is_end),
            '[' => self.bracket(rest, is_end),
            '!' if rest.len() == 1 && !is_end => None,
            '!' if rest.starts_with("![") => self.bracket(rest, is_end),
            _ => self.word(rest, is_end),
        }
    }

    fn remove(&mut self, what: &'static str, why: &str) {
        self.note(Removed { what, why: why.to_owned() });
    }

    fn note(&mut self, removed: Removed) {
        if self.removed.len() < MOST_REMOVED {
            self.removed.push(removed);
        }
    }

    /// Takes out a word that is longer than anything that is held back.
    fn skip(&mut self, rest: &str) -> usize {
        self.is_skipping = true;
        self.remove("link", "a word longer than any that is read");
        self.out.prose(LINK_REMOVED);
        rest.len()
    }

    fn guards_links(&self) -> bool {
        self.defences.has(Defence::Links)
    }
}

/// So much of the beginning of a text, in whole characters.
fn within(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// What stands where a link was. It is never nothing: what stood before and behind would become one.
pub(super) const LINK_REMOVED: &str = "(link removed)";
const NOT_ALLOWED: &str = "it does not lead to one of links.allowedHosts";

/// The whole of a text at once.
pub(crate) fn clean(text: &str, hosts: &AllowedHosts) -> (String, Vec<Removed>) {
    let mut words = Words::new(hosts.clone(), Defences::default(), NoMarks);
    let mut cleaned = words.push(text);
    let (rest, removed, NoMarks) = words.finish();
    cleaned.push_str(&rest);
    (cleaned, removed)
}
