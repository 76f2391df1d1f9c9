//! What the company itself says is to be done with code: the sentence that leads to a block, and sentences that oblige.

use super::LONGEST_CHANGE_BYTES;
use crate::assistant::comments::comments;
use crate::knowledge::sentences;

const MOST_SENTENCES: usize = 3;
/// Words by which a sentence tells its reader what to do, and not how things are.
const OBLIGING: [&str; 4] = ["must", "should", "never", "instead"];
const OBLIGING_PAIRS: [(&str, &str); 5] =
    [("do", "not"), ("has", "to"), ("have", "to"), ("make", "sure"), ("need", "to")];

/// The sentences of code's own comments that oblige.
pub(super) fn of_comments(code: &str) -> Option<String> {
    let comments = comments(code);
    let all = comments.iter().flat_map(|comment| {
        let ranges = sentences(comment, &(0..comment.len())).into_iter();
        ranges.filter_map(|range| comment.get(range))
    });
    joined(all.filter(|sentence| obliges(sentence)))
}

/// The sentence that ends with a colon before a block.
pub(super) fn leading_to(before: &str) -> Option<&str> {
    let paragraph = before.trim_end();
    let paragraph = paragraph.rsplit("\n\n").next().filter(|text| text.ends_with(':'))?;
    let range = sentences(paragraph, &(0..paragraph.len())).into_iter().next_back()?;
    paragraph.get(range)
}

/// Whether a sentence tells its reader to do something.
pub(super) fn obliges(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    let words: Vec<&str> =
        lower.split(|character: char| !character.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    let pairs = words.iter().zip(words.iter().skip(1));
    words.iter().any(|word| OBLIGING.contains(word))
        || pairs.into_iter().any(|(one, next)| OBLIGING_PAIRS.contains(&(one, next)))
}

/// As many sentences as fit, each in one line. One that leads to a block stands by itself.
pub(super) fn joined<'a>(all: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut change = String::new();
    for sentence in all.take(MOST_SENTENCES) {
        let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
        if change.len().saturating_add(sentence.len()) >= LONGEST_CHANGE_BYTES {
            break;
        }
        match change.chars().next_back() {
            Some(':') => change.push_str("\n\n"),
            Some(_) => change.push(' '),
            None => {}
        }
        change.push_str(&sentence);
    }
    (!change.is_empty()).then_some(change)
}
