//! The lines of a file, each with how deep it is nested and what it is.

use super::super::kind::Language;
use super::nesting::{Braces, Indentation, Nesting, Statements};

/// One line.
#[derive(Debug)]
pub(in super::super) struct Line<'a> {
    /// Without the line break.
    pub(in super::super) text: &'a str,
    /// Where it begins in the file.
    pub(in super::super) start: usize,
    pub(in super::super) role: Role,
    /// How deep it is nested: open brackets, or columns.
    pub(super) depth: usize,
    /// Whether it cannot begin anything, as inside a text or with a closing bracket.
    pub(super) continues: bool,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Role {
    Blank,
    /// A comment, or whatever else belongs to what comes next, such as an attribute.
    Comment,
    Code,
}

impl Line<'_> {
    /// Where it ends, without the line break.
    pub(in super::super) fn end(&self) -> usize {
        self.start.saturating_add(self.text.len())
    }

    /// How far it is indented.
    pub(super) fn columns(&self) -> usize {
        self.text.len().saturating_sub(self.text.trim_start().len())
    }

    /// Whether it is a line of what is nested in `depth`.
    pub(super) fn is_own(&self, depth: usize) -> bool {
        self.role != Role::Blank && !self.continues && self.depth > depth
    }
}

/// Reads the lines of a file.
pub(in super::super) fn lines(source: &str, language: Language) -> Vec<Line<'_>> {
    let mut nesting: Box<dyn Nesting> = match language {
        Language::Rust | Language::Script | Language::Go => Box::new(Braces::new(language)),
        Language::Python | Language::Yaml => Box::new(Indentation::new(language)),
        Language::Sql | Language::Other => Box::new(Statements::default()),
    };
    let mut lines = Vec::new();
    let mut start = 0_usize;
    for whole in source.split_inclusive('\n') {
        let text = whole.trim_end_matches(['\n', '\r']);
        let (depth, continues, is_comment) = nesting.take(text);
        let role = match text.trim() {
            "" => Role::Blank,
            _ if is_comment => Role::Comment,
            _ => Role::Code,
        };
        lines.push(Line { text, start, role, depth, continues });
        start = start.saturating_add(whole.len());
    }
    if matches!(language, Language::Python | Language::Yaml) {
        deepen_blank_lines(&mut lines);
    }
    lines
}

/// Where indentation nests, a blank line is as deep as what comes after it.
fn deepen_blank_lines(lines: &mut [Line<'_>]) {
    let mut after = (0, false);
    for line in lines.iter_mut().rev() {
        if line.role == Role::Blank {
            line.depth = after.0;
            line.continues |= after.1;
        } else {
            after = (line.depth, line.continues);
        }
    }
}
