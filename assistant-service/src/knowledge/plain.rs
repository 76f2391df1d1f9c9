//! Cuts prose without marks into sections of whole paragraphs, and those into sentences.

use std::sync::Arc;

use super::code::blocks;
use super::code::lines::lines;
use super::front_matter::FrontMatter;
use super::kind::Language;
use super::section::Section;
use super::sentences::sentences;

/// A section of prose has no heading by which it could end; it ends with the paragraph after so many lines.
const SECTION_LINES: usize = 30;

pub(super) fn sections(file: &str, source: &str, front_matter: &Arc<FrontMatter>) -> Vec<Section> {
    let whole = Section::beginning(file, source, Arc::clone(front_matter));
    let lines = lines(source, Language::Other);
    let mut sections: Vec<Section> = Vec::new();
    for block in blocks(&lines, 0..lines.len()) {
        let (Some(first), Some(last)) = (lines.get(block.start), lines.get(block.end.saturating_sub(1))) else {
            continue;
        };
        let number = block.start.saturating_add(1);
        let full = |section: &Section| number.saturating_sub(section.line) >= SECTION_LINES;
        if sections.last().is_none_or(full) {
            sections.push(Section { line: number, is_numbered: true, body: first.start..first.start, ..whole.clone() });
        }
        if let Some(section) = sections.last_mut() {
            section.body.end = last.end();
            for sentence in sentences(source, &(first.start..last.end())) {
                section.add(sentence, &(0..0), false);
            }
        }
    }
    sections
}
