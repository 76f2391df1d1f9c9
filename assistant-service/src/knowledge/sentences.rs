//! Finds where one sentence ends and the next begins.

use std::ops::Range;

/// A sentence shorter than this ("Yes.") says nothing without the one after it.
const SHORTEST_BYTES: usize = 20;
const ABBREVIATIONS: [&str; 7] = ["e.g.", "i.e.", "etc.", "vs.", "approx.", "incl.", "no."];

/// The sentences within `range` of `source`, each as a range of `source` without the space around it.
pub(crate) fn sentences(source: &str, range: &Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = range.start;
    let mut is_code = false;
    let text = source.get(range.clone()).unwrap_or_default();
    for (offset, character) in text.char_indices() {
        is_code ^= character == '`';
        let here = range.start.saturating_add(offset);
        let is_space_after_end = character.is_whitespace() && !is_code;
        if is_space_after_end && is_sentence(source.get(start..here), source.get(here..range.end)) {
            push_trimmed(source, start..here, &mut found);
            start = here;
        }
    }
    push_trimmed(source, start..range.end, &mut found);
    found
}

fn is_sentence(before: Option<&str>, after: Option<&str>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return false };
    let before = before.trim_start();
    let closed = before.trim_end_matches([')', '"', '\'', '*', '_', '”', '’']);
    let word = closed.rsplit(char::is_whitespace).next().unwrap_or_default();
    let begins = after.trim_start().chars().next();
    before.len() >= SHORTEST_BYTES
        && closed.ends_with(['.', '!', '?'])
        && !ABBREVIATIONS.iter().any(|abbreviation| word.eq_ignore_ascii_case(abbreviation))
        && begins.is_some_and(|first| !first.is_lowercase())
}

fn push_trimmed(source: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let text = source.get(range.clone()).unwrap_or_default();
    let begun = text.trim_start();
    let start = range.end.saturating_sub(begun.len());
    let end = start.saturating_add(begun.trim_end().len());
    if start < end {
        found.push(start..end);
    }
}
