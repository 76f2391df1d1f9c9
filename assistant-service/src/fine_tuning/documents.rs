//! Pairs made of documents: a heading that asks with the text that answers, and sections under headings that say what they are
//! about.
//!
//! A pair must be honest: its answer is what stands in the document, and its question is one that this text answers. Headings
//! that could stand over any text ("Overview") make no question.

use super::code;
use super::report::{LeftOut, Reason};
use super::{Origin, Pair};
use crate::knowledge::{Knowledge, Scopes, Section, language_name};

const SEPARATOR: &str = " > ";
/// Headings that name a place in a document and nothing that somebody would ask for.
const GENERIC: [&str; 22] = [
    "overview",
    "introduction",
    "intro",
    "summary",
    "background",
    "contents",
    "table of contents",
    "see also",
    "links",
    "references",
    "further reading",
    "notes",
    "misc",
    "miscellaneous",
    "other",
    "changelog",
    "history",
    "appendix",
    "examples",
    "example",
    "todo",
    "timeline",
];

/// The pairs of all documents that these scopes open, and what became none.
pub(crate) fn pairs(knowledge: &Knowledge, scopes: &Scopes) -> (Vec<Pair>, Vec<LeftOut>) {
    let (mut pairs, mut left_out) = (Vec::new(), Vec::new());
    let leave_out = |from: &str, reason| LeftOut { from: from.to_owned(), place: String::new(), reason };
    left_out.extend(knowledge.closed_to(scopes).into_iter().map(|file| leave_out(file, Reason::Restricted)));
    let skipped = knowledge.skipped().iter();
    left_out.extend(skipped.map(|one| leave_out(&one.file, Reason::NotRead { cause: one.reason.to_string() })));
    for section in knowledge.for_reader(scopes).sections() {
        match pair(section) {
            Ok(pair) => pairs.push(pair),
            Err(reason) => {
                left_out.push(LeftOut { from: section.file.clone(), place: section.heading.clone(), reason });
            }
        }
    }
    (pairs, left_out)
}

fn pair(section: &Section) -> Result<Pair, Reason> {
    let made = |question: String, answer: String, topic: String, origin: Origin| Pair {
        question,
        answer,
        topic,
        origin,
        from: section.file.clone(),
        place: section.heading.clone(),
    };
    if let Some(language) = language_name(&section.file) {
        let code = code::explained(section, language).ok_or(Reason::NotExplained)?;
        return Ok(made(code.question, code.answer, section.heading.replace(SEPARATOR, " "), Origin::Code));
    }
    let headings: Vec<&str> = section.heading.split(SEPARATOR).filter(|heading| !heading.trim().is_empty()).collect();
    let Some((own, above)) = headings.split_last() else { return Err(Reason::NoHeading) };
    let answer = visible(section.text());
    if own.trim_end().ends_with('?') {
        return Ok(made(own.trim().to_owned(), answer, own.trim().to_owned(), Origin::Faq));
    }
    if GENERIC.contains(&own.trim().to_lowercase().as_str()) {
        return Err(Reason::GenericHeading);
    }
    let title = section.front_matter().title.as_deref();
    let question = match (title.or(above.first().copied()), above) {
        (None, _) => format!("What do our documents say about “{own}”?"),
        (Some(title), []) if title == *own => format!("What do our documents say about “{own}”?"),
        (Some(title), [] | [_]) => format!("What does our document “{title}” say about “{own}”?"),
        (Some(title), [_, between @ ..]) => {
            format!("What does our document “{title}” say about “{own}” ({})?", between.join(", "))
        }
    };
    Ok(made(question, answer, section.heading.replace(SEPARATOR, " "), Origin::Section))
}

/// What a reader of the document sees: comments in HTML are notes among authors.
fn visible(text: &str) -> String {
    let mut seen = String::new();
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("<!--") {
        seen.push_str(before);
        rest = comment.split_once("-->").map_or("", |(_, after)| after);
    }
    seen.push_str(rest);
    seen.trim().to_owned()
}
