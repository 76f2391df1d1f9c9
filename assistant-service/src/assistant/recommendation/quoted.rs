//! What is recommended without a model: code that is cited, or a block near to what is cited that speaks of the question.

use super::Recommendation;
use super::change::{joined, leading_to, obliges, of_comments};
use crate::assistant::comments::is_comment;
use crate::assistant::support::Support;
use crate::knowledge::{CodePart, IndexedPassage, Question};

/// A block that is not cited itself must hold at least this share of the question, with the sentence that leads to it.
const LEAST_SHARE: f64 = 0.4;

/// The first of the cited sections that has code to recommend. It names its own place; an answer's citations stay what the answer
/// is made of.
pub(in super::super) fn quoted(cited: &[&Support<'_>], question: &Question) -> Option<Recommendation> {
    cited.iter().find_map(|support| {
        if support.section.section.is_source_code() { of_code(support) } else { of_document(support, question) }
    })
}

/// The part of an item that is cited, with the comment above it.
fn of_code(support: &Support<'_>) -> Option<Recommendation> {
    let section = &support.section.section;
    let snippet = section.quote(&support.passages.first()?.0.passage);
    let is_code = |line: &str| !line.trim().is_empty() && !is_comment(line);
    let part = section.code_parts().into_iter().next().filter(|_| snippet.lines().any(is_code))?;
    Some(Recommendation::of(section, &part, snippet)?.changing(of_comments(snippet)))
}

/// The block that says most of the question.
fn of_document(support: &Support<'_>, question: &Question) -> Option<Recommendation> {
    let section = &support.section.section;
    let (_, part, passage) = section
        .code_parts()
        .into_iter()
        .filter_map(|part| {
            let passage = passage_of(&part, support)?;
            let share = share(passage, question);
            let is_cited = support.passages.iter().any(|(cited, _)| std::ptr::eq(*cited, passage));
            (is_cited || share >= LEAST_SHARE).then_some((share, part, passage))
        })
        .reduce(|best, other| if other.0 > best.0 { other } else { best })?;
    let recommendation = Recommendation::of(section, &part, section.text().get(part.range.clone())?)?;
    let lead = section.text().get(section.range_of(&passage.passage).start..part.range.start)?;
    // The last line is the one that opens the block.
    let lead = lead.trim_end().rsplit_once('\n').and_then(|(lead, _)| leading_to(lead));
    let following = following(&part, support).filter(|sentence| obliges(sentence));
    Some(recommendation.changing(joined(lead.into_iter().chain(following))))
}

fn passage_of<'a>(part: &CodePart, support: &Support<'a>) -> Option<&'a IndexedPassage> {
    let section = support.section;
    section.passages.iter().find(|indexed| section.section.range_of(&indexed.passage).contains(&part.range.start))
}

fn share(passage: &IndexedPassage, question: &Question) -> f64 {
    question.share(&(&question.held_by(&passage.words) | &question.held_by(&passage.introduction_words)))
}

/// The sentences behind a block, up to the next list or block.
fn following<'a>(part: &CodePart, support: &Support<'a>) -> impl Iterator<Item = &'a str> {
    let section = support.section;
    let end = part.range.end;
    let behind = section.passages.iter().filter(move |indexed| section.section.range_of(&indexed.passage).start >= end);
    let prose = behind.take_while(|indexed| !indexed.passage.is_preformatted());
    prose.map(|indexed| section.section.quote(&indexed.passage))
}
