//! How much of an answer its citations support.

use crate::assistant::Confidence;
use crate::knowledge::sentences;

/// A sentence shorter than this states nothing.
const SHORTEST_STATEMENT: usize = 20;
const MOST: f64 = 0.9;
const HALF: f64 = 0.5;

/// What the sentences of an answer rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) struct Support {
    /// Sentences that state something.
    pub(in super::super) statements: usize,
    /// Those that carry a citation which held.
    pub(in super::super) cited: usize,
    /// Those that carry none and state figures or names.
    pub(in super::super) bare_facts: usize,
}

impl Support {
    /// Counts the sentences of a text in Markdown whose citations are numbers in brackets.
    pub(in super::super) fn of(text: &str) -> Self {
        let mut support = Self::default();
        let mut is_code = false;
        for line in text.lines() {
            let line = line.trim();
            let is_fence = line.starts_with("```") || line.starts_with("~~~");
            is_code ^= is_fence;
            if is_fence || is_code || line.starts_with('#') {
                continue;
            }
            support.count_line(line);
        }
        support
    }

    fn count_line(&mut self, line: &str) {
        let mut pending: Option<(String, bool)> = None;
        for range in sentences(line, &(0..line.len())) {
            let sentence = line.get(range).unwrap_or_default();
            // A mark behind a full stop belongs to what stands before it.
            let (leading, own) = split_leading_marks(sentence);
            if let Some((before, is_cited)) = pending.take() {
                self.count(&before, is_cited || leading);
            } else if leading && own.is_empty() {
                // It stands on a line of its own, below what it is for.
                self.cite_last();
            }
            if !own.is_empty() {
                pending = Some((own.to_owned(), has_mark(own)));
            }
        }
        if let Some((sentence, is_cited)) = pending {
            self.count(&sentence, is_cited);
        }
    }

    fn count(&mut self, sentence: &str, is_cited: bool) {
        let states = sentence.len() >= SHORTEST_STATEMENT && !sentence.ends_with([':', '?']);
        if !states && !is_cited {
            return;
        }
        self.statements = self.statements.saturating_add(1);
        if is_cited {
            self.cited = self.cited.saturating_add(1);
        } else if states_facts(sentence) {
            self.bare_facts = self.bare_facts.saturating_add(1);
        }
    }

    fn cite_last(&mut self) {
        if self.cited < self.statements {
            self.cited = self.cited.saturating_add(1);
        }
    }
}

/// How sure an answer is by what its sentences rest on. What was taken out, and figures or names that nobody wrote, keep it
/// from being high.
pub(in super::super) fn confidence(support: Support, has_removed: bool) -> Confidence {
    if support.cited == 0 {
        return Confidence::None;
    }
    let share = support.cited as f64 / support.statements.max(1) as f64;
    if share >= MOST && support.bare_facts == 0 && !has_removed {
        Confidence::High
    } else if share >= HALF && support.bare_facts < support.cited {
        Confidence::Medium
    } else {
        Confidence::Low
    }
}

/// The first sentence of an answer, without its marks.
pub(in super::super) fn first_sentence(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with(['#', '`', '~', '|']))?;
    let range = sentences(line, &(0..line.len())).into_iter().next()?;
    Some(line.get(range)?.to_owned())
}

/// A text without its marks and the spaces before them, and the number of the first citation of a document that it names.
pub(in super::super) fn without_marks(text: &str) -> (String, Option<usize>) {
    let (mut left, mut first, mut rest) = (String::with_capacity(text.len()), None, text);
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        left.push_str(before);
        // Behind a name it is an index in code.
        let is_index = before.ends_with(|character: char| character.is_alphanumeric() || "_)".contains(character));
        let length = mark_length(from).filter(|_| !is_index);
        match length {
            Some(length) => {
                let number = from.get(1..length.saturating_sub(1)).and_then(|number| number.parse().ok());
                first = first.or(number);
                left.truncate(left.trim_end().len());
            }
            None => left.push('['),
        }
        rest = from.get(length.unwrap_or(1)..).unwrap_or_default();
    }
    left.push_str(rest);
    (left, first)
}

fn split_leading_marks(sentence: &str) -> (bool, &str) {
    let mut rest = sentence;
    while let Some(length) = mark_length(rest) {
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    (rest.len() < sentence.len(), rest)
}

fn has_mark(sentence: &str) -> bool {
    sentence.match_indices('[').any(|(at, _)| sentence.get(at..).and_then(mark_length).is_some())
}

/// The length of `[1]` or `[e1]`.
fn mark_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('[')?;
    let (number, _) = inside.split_once(']')?;
    let digits = number.strip_prefix('e').unwrap_or(number);
    let is_mark = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_mark.then(|| number.len().saturating_add(2))
}

/// A figure, or a capital within the sentence.
fn states_facts(sentence: &str) -> bool {
    let has_name = sentence.split_whitespace().skip(1).any(|word| {
        let word = word.trim_start_matches(|character: char| !character.is_alphanumeric());
        word.chars().count() > 1 && word.starts_with(char::is_uppercase)
    });
    has_name || sentence.contains(|character: char| character.is_ascii_digit()) || sentence.contains('`')
}
