//! What can be cited: a section of a document and the passages in it.
//!
//! Everything is a range of the source, so that a quote is what stands in the file, letter for letter.

use std::ops::Range;
use std::sync::Arc;

use super::front_matter::FrontMatter;

/// An answer is read by a person: what is longer, such as a listing, is quoted in parts.
const LONGEST_PASSAGE_BYTES: usize = 2000;

pub(super) const HEADING_SEPARATOR: &str = " > ";

/// What stands between one heading and the next.
#[derive(Debug, Clone)]
pub struct Section {
    /// The document, by its path below the folder.
    pub file: String,
    /// The headings from the outermost one to this section's own, joined by ` > `; empty before the first heading. Those of
    /// code are the file's own name and the names around the item.
    pub heading: String,
    /// The line of the heading, or the first one where there is none, counted from 1.
    pub line: usize,
    pub(super) front_matter: Arc<FrontMatter>,
    pub(super) title_start: usize,
    /// Whether a place in it is named by its lines, having no heading.
    pub(super) is_numbered: bool,
    pub(super) source: Arc<str>,
    pub(super) body: Range<usize>,
    pub(super) passages: Vec<Passage>,
}

/// A part of a section that makes sense by itself: a sentence, a list or an item of a long one, a row, a code block.
#[derive(Debug, Clone)]
pub struct Passage {
    pub(super) range: Range<usize>,
    introduction: Range<usize>,
    is_preformatted: bool,
}

impl Passage {
    /// Whether its line breaks carry meaning, as in a list or in code.
    #[must_use]
    pub fn is_preformatted(&self) -> bool {
        self.is_preformatted
    }
}

impl Section {
    /// A section of a file that has nothing in it yet.
    pub(super) fn beginning(file: &str, source: &str, front_matter: Arc<FrontMatter>) -> Self {
        Self {
            file: file.to_owned(),
            heading: String::new(),
            line: 1,
            front_matter,
            title_start: 0,
            is_numbered: false,
            source: source.into(),
            body: 0..0,
            passages: Vec::new(),
        }
    }

    /// The section's text without its heading, as it stands in the file.
    #[must_use]
    pub fn text(&self) -> &str {
        self.slice(&self.body)
    }

    /// The text of one of this section's passages.
    #[must_use]
    pub fn quote(&self, passage: &Passage) -> &str {
        self.slice(&passage.range)
    }

    /// The first and the last line of a quote, counted from 1, where the file is no Markdown.
    #[must_use]
    pub fn lines_of(&self, quote: &str) -> Option<[usize; 2]> {
        let before = self.text().split_once(quote).filter(|_| self.is_numbered)?.0;
        let first = self.line.saturating_add(before.matches('\n').count());
        Some([first, first.saturating_add(quote.trim_end().matches('\n').count())])
    }

    /// What the document says of itself.
    #[must_use]
    pub fn front_matter(&self) -> &FrontMatter {
        &self.front_matter
    }

    /// The innermost heading.
    pub(crate) fn title(&self) -> &str {
        self.heading.get(self.title_start..).unwrap_or_default()
    }

    /// The sentence or table head that introduces a passage.
    pub(crate) fn introduction(&self, passage: &Passage) -> &str {
        self.slice(&passage.introduction)
    }

    /// Where a passage stands in this section's text.
    pub(crate) fn range_of(&self, passage: &Passage) -> Range<usize> {
        let Range { start, end } = passage.range;
        start.saturating_sub(self.body.start)..end.saturating_sub(self.body.start)
    }

    pub(crate) fn passages(&self) -> &[Passage] {
        &self.passages
    }

    fn slice(&self, range: &Range<usize>) -> &str {
        self.source.get(range.clone()).unwrap_or_default()
    }

    /// Adds a passage, or several where it is too long for one.
    pub(super) fn add(&mut self, range: Range<usize>, introduction: &Range<usize>, is_preformatted: bool) {
        let source = Arc::clone(&self.source);
        let mut text = source.get(range.clone()).unwrap_or_default();
        let mut start = range.start;
        while !text.trim().is_empty() {
            let (part, rest) = text.split_at(part_length(text));
            let end = start.saturating_add(part.trim_end().len());
            let introduction = introduction.clone();
            self.passages.push(Passage { range: start..end, introduction, is_preformatted });
            start = start.saturating_add(part.len());
            text = rest;
        }
    }
}

/// How much of `text` goes into one passage: all of it, or what ends with a line or at least with a word.
fn part_length(text: &str) -> usize {
    if text.len() <= LONGEST_PASSAGE_BYTES {
        return text.len();
    }
    let longest = text.floor_char_boundary(LONGEST_PASSAGE_BYTES);
    let part = text.get(..longest).unwrap_or_default();
    let after = |end: &[char]| part.rfind(end).filter(|at| *at > 0).map(|at| at.saturating_add(1));
    after(&['\n']).or_else(|| after(&[' '])).unwrap_or(longest)
}
