//! What of a section is code: all of it in a file of source code, and the fenced blocks of a Markdown document.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

use super::kind::language_name;
use super::section::Section;

const LONGEST_LANGUAGE: usize = 32;

/// Code in a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodePart {
    /// Where it stands in the section's text: whole lines, without the lines that open and close a block.
    pub(crate) range: Range<usize>,
    /// What the language is called, by the file's name or by what stands behind the fence.
    pub(crate) language: Option<String>,
}

impl Section {
    /// The code in this section, in its order.
    pub(crate) fn code_parts(&self) -> Vec<CodePart> {
        if !self.is_numbered {
            return fenced(self.text());
        }
        let language = language_name(&self.file);
        language
            .map(|name| CodePart { range: 0..self.text().len(), language: Some(name.to_owned()) })
            .into_iter()
            .collect()
    }

    /// Whether all of it is source code.
    pub(crate) fn is_source_code(&self) -> bool {
        self.is_numbered && language_name(&self.file).is_some()
    }
}

fn fenced(text: &str) -> Vec<CodePart> {
    let mut parts = Vec::new();
    let mut events = Parser::new_ext(text, Options::empty()).into_offset_iter();
    while let Some((event, _)) = events.next() {
        let Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) = event else { continue };
        let (mut said, mut range) = (String::new(), None::<Range<usize>>);
        while let Some((Event::Text(part), here)) = events.next() {
            said.push_str(&part);
            range = Some(range.map_or(here.start, |before| before.start)..here.end);
        }
        let range = range.and_then(|range| whole_lines(text, range, &said));
        parts.extend(range.map(|range| CodePart { range, language: language(&info) }));
    }
    parts
}

/// The lines of a block, if they stand in the text as they are meant: in a quotation each has a `>` before it that is no code.
fn whole_lines(text: &str, range: Range<usize>, said: &str) -> Option<Range<usize>> {
    let before = text.get(..range.start)?;
    let indentation = before.len().saturating_sub(before.trim_end_matches([' ', '\t']).len());
    let is_line_start = before.len() == indentation || before.trim_end_matches([' ', '\t']).ends_with('\n');
    let start = if is_line_start { range.start.saturating_sub(indentation) } else { range.start };
    let lines = text.get(start..range.end)?;
    let end = start.saturating_add(lines.trim_end().len());
    let is_meant = lines.trim_end().lines().map(str::trim).eq(said.trim_end().lines().map(str::trim));
    (is_meant && start < end).then_some(start..end)
}

fn language(info: &str) -> Option<String> {
    let is_plain = |character: &char| character.is_ascii_alphanumeric() || "+-#_".contains(*character);
    let name: String = info.chars().take_while(is_plain).take(LONGEST_LANGUAGE).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, Option<String>)> {
        let parts = fenced(text).into_iter();
        parts.map(|part| (text.get(part.range).unwrap(), part.language)).collect()
    }

    #[test]
    fn fenced_blocks_are_found_with_their_lines_as_they_stand() {
        for (text, expected, language) in [
            ("Do:\n\n```\na --b\n\nc\n```\n\nThen.\n", "a --b\n\nc", None),
            ("```sh\na\n```", "a", Some("sh")),
            ("~~~rust,ignore\r\nfn a() {\r\n    b();\r\n}\r\n~~~\r\n", "fn a() {\r\n    b();\r\n}", Some("rust")),
            ("1. Run:\n\n   ```python\n   if a:\n       b()\n   ```\n", "   if a:\n       b()", Some("python")),
            ("```c++ title=\"x\"\na();", "a();", Some("c++")),
            ("````{.odd}\n```\nb\n```\n````\n", "```\nb\n```", None),
        ] {
            assert_eq!(found(text), [(expected, language.map(str::to_owned))], "{text}");
        }
    }

    #[test]
    fn what_is_no_fenced_block_or_has_nothing_in_it_is_none() {
        for text in ["`a`", "    indented();\n", "```\n```\n", "```\n\n \n```\n", "> ```\n> a\n> b\n> ```\n", ""] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
