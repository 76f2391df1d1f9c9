//! The parts of a question that ask by themselves: people tell what they see before they ask, and ask two things at once.

use crate::knowledge::sentences;

/// More are the same question in pieces.
const MOST_CLAUSES: usize = 3;
/// Fewer words are a part of the clause before.
const FEWEST_WORDS: usize = 3;

/// What begins a clause after a comma, a colon or an "and".
const BEGINNINGS: &[&str] = &[
    "am", "are", "at", "by", "can", "could", "did", "do", "does", "for", "from", "how", "is", "may", "must", "on",
    "should", "until", "was", "were", "what", "when", "where", "which", "who", "whom", "whose", "why", "will",
];

/// Each of them, where there are several.
pub(super) fn clauses(question: &str) -> Vec<String> {
    let mut clauses: Vec<String> = Vec::new();
    for range in sentences(question, &(0..question.len())) {
        clauses.extend(question.get(range).map(parts).unwrap_or_default());
    }
    if clauses.len() < 2 {
        return Vec::new();
    }
    // What asks comes last.
    let first = clauses.len().saturating_sub(MOST_CLAUSES);
    clauses.split_off(first)
}

fn parts(sentence: &str) -> Vec<String> {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let mut parts: Vec<Vec<&str>> = vec![Vec::new()];
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| words.get(before)).copied().unwrap_or_default();
        let after = words.get(at.saturating_add(1)).copied().unwrap_or_default();
        let is_after_break = before.ends_with([',', ':', ';', '.', '?']);
        let begins = (is_after_break && (begins_clause(word) || is_joining(word) && begins_clause(after)))
            || (is_joining(word) && begins_clause(after));
        let is_long = parts.last().is_some_and(|part| part.len() >= FEWEST_WORDS);
        let rest_is_long = words.len().saturating_sub(at) >= FEWEST_WORDS;
        if begins && is_long && rest_is_long {
            parts.push(Vec::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(word);
        }
    }
    parts.into_iter().map(|part| part.join(" ")).collect()
}

fn is_joining(word: &str) -> bool {
    word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or")
}

fn begins_clause(word: &str) -> bool {
    BEGINNINGS.iter().any(|beginning| beginning.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_falls_into_what_asks_by_itself() {
        for (question, expected) in [
            ("How do I restart a worker?", &[][..]),
            ("The mailer hangs. How do I restart it?", &["The mailer hangs.", "How do I restart it?"]),
            (
                "When is the build frozen, and who may still merge?",
                &["When is the build frozen,", "and who may still merge?"],
            ),
            ("Salt and pepper: where are they kept?", &["Salt and pepper:", "where are they kept?"]),
            ("", &[]),
        ] {
            assert_eq!(clauses(question), expected, "{question}");
        }
    }
}
