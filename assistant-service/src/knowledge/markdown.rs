//! Cuts a Markdown document into sections by heading, and a section into the passages that can be quoted from it.

use std::ops::Range;
use std::sync::Arc;

use pulldown_cmark::{Event, HeadingLevel, OffsetIter, Options, Parser, Tag, TagEnd};

use super::front_matter::FrontMatter;
use super::section::{HEADING_SEPARATOR, Section};
use super::sentences::sentences;

/// A list up to this size is quoted whole: a procedure without its last step, or a rule without its exception, misleads.
const WHOLE_STEPS_BYTES: usize = 1500;
const WHOLE_LIST_BYTES: usize = 400;
const WHOLE_ITEM_BYTES: usize = 800;
/// A heading stands in the path of every section below it.
const LONGEST_TITLE_CHARACTERS: usize = 200;

/// The sections of a document that hold anything to quote.
pub(super) fn sections(file: &str, source: &str, front_matter: &Arc<FrontMatter>) -> Vec<Section> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS | Options::ENABLE_STRIKETHROUGH;
    let mut cutter = Cutter::new(source, Section::beginning(file, source, Arc::clone(front_matter)));
    let mut events = Parser::new_ext(source, options).into_offset_iter();
    while let Some((event, range)) = events.next() {
        match event {
            Event::Start(tag) => cutter.start(&tag, range, &mut events),
            Event::End(TagEnd::List(_) | TagEnd::Table) => cutter.introduction = 0..0,
            _ => {}
        }
    }
    cutter.finish()
}

struct Cutter<'a> {
    source: &'a str,
    headings: Vec<(HeadingLevel, String)>,
    sections: Vec<Section>,
    section: Section,
    introduction: Range<usize>,
    counted_to: usize,
}

impl<'a> Cutter<'a> {
    fn new(source: &'a str, section: Section) -> Self {
        Self { source, headings: Vec::new(), sections: Vec::new(), section, introduction: 0..0, counted_to: 0 }
    }

    fn start(&mut self, tag: &Tag<'_>, range: Range<usize>, events: &mut OffsetIter<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                let title = text_until_end(events).chars().take(LONGEST_TITLE_CHARACTERS).collect();
                self.begin_section(*level, title, &range);
            }
            Tag::Paragraph => {
                text_until_end(events);
                self.add_sentences(&range);
            }
            Tag::List(first) => {
                let whole = if first.is_some() { WHOLE_STEPS_BYTES } else { WHOLE_LIST_BYTES };
                if range.len() <= whole {
                    text_until_end(events);
                    self.add_block(range);
                } else {
                    self.introduction = self.lead_in().unwrap_or(0..0);
                }
            }
            Tag::Item => {
                text_until_end(events);
                if range.len() <= WHOLE_ITEM_BYTES {
                    self.add(range, true);
                } else {
                    self.add_sentences(&range);
                }
            }
            Tag::CodeBlock(_) => {
                text_until_end(events);
                self.add_block(range);
            }
            Tag::TableHead => {
                text_until_end(events);
                self.introduction = range;
            }
            Tag::TableRow => {
                text_until_end(events);
                self.add(range, true);
            }
            // What a reader of the document does not see is not quoted either.
            Tag::HtmlBlock | Tag::MetadataBlock(_) => {
                text_until_end(events);
            }
            _ => {}
        }
    }

    fn begin_section(&mut self, level: HeadingLevel, title: String, range: &Range<usize>) {
        self.end_section(range.start);
        self.headings.retain(|(outer, _)| *outer < level);
        let mut heading: String = self.headings.iter().flat_map(|(_, outer)| [outer, HEADING_SEPARATOR]).collect();
        self.section.title_start = heading.len();
        heading.push_str(&title);
        self.section.heading = heading;
        self.headings.push((level, title));
        let between = self.source.get(self.counted_to..range.start).unwrap_or_default();
        self.counted_to = range.start;
        self.section.line = self.section.line.saturating_add(between.matches('\n').count());
        self.section.body = range.end..range.end;
    }

    fn end_section(&mut self, end: usize) {
        self.section.body.end = end;
        let passages = std::mem::take(&mut self.section.passages);
        if !passages.is_empty() {
            self.sections.push(Section { passages, ..self.section.clone() });
        }
    }

    fn finish(mut self) -> Vec<Section> {
        self.end_section(self.source.len());
        self.sections
    }

    fn add_sentences(&mut self, range: &Range<usize>) {
        for sentence in sentences(self.source, range) {
            self.add(sentence, false);
        }
    }

    /// Adds a list or a code block, together with the sentence that leads to it: neither says much alone.
    fn add_block(&mut self, range: Range<usize>) {
        match self.lead_in() {
            Some(lead_in) => {
                self.section.passages.pop();
                self.add(lead_in.start..range.end, true);
            }
            None => self.add(range, true),
        }
    }

    /// The sentence before, when it ends with a colon.
    fn lead_in(&self) -> Option<Range<usize>> {
        let range = &self.section.passages.last()?.range;
        self.source.get(range.clone())?.ends_with(':').then(|| range.clone())
    }

    fn add(&mut self, range: Range<usize>, is_preformatted: bool) {
        self.section.add(range, &self.introduction, is_preformatted);
    }
}

/// Takes the events up to the end of what has just begun; what they read as plain text.
fn text_until_end(events: &mut OffsetIter<'_>) -> String {
    let mut text = String::new();
    let mut depth = 1_usize;
    for (event, _) in events {
        match event {
            Event::Start(_) => depth = depth.saturating_add(1),
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(part) | Event::Code(part) => text.push_str(&part),
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    text
}
