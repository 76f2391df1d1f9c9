//! How well a section supports a question: the share of the question's words, by weight, that it holds.

use std::collections::BTreeSet;

use crate::knowledge::{HeldWords, IndexedPassage, IndexedSection, Question};

/// More passages would be a copy of the section rather than an answer.
const MOST_PASSAGES: usize = 3;
/// A further passage must add at least this share.
const LEAST_GAIN: f64 = 0.1;
/// Words that only further passages hold count for less: two sentences that share a section need not belong together.
const FURTHER_PASSAGES: f64 = 0.6;
/// Between passages, and between sections, that hold the same words, one with a figure answers a question for a number.
const NUMBER_BONUS: f64 = 0.05;
/// Between sections that support a question alike, the one whose title asks the same is meant, then the one whose text
/// holds the words and not its headings alone.
const TITLE_BONUS: f64 = 0.1;
const TEXT_BONUS: f64 = 0.12;

/// A section and those of its passages that support a question.
pub(super) struct Support<'a> {
    pub(super) section: &'a IndexedSection,
    /// In the section's order, each with the share that it holds together with the headings.
    pub(super) passages: Vec<(&'a IndexedPassage, f64)>,
    /// How much of the question is supported, from 0 to 1.
    pub(super) share: f64,
    /// By what sections are compared.
    pub(super) rank: f64,
}

struct Candidate<'a> {
    passage: &'a IndexedPassage,
    held: HeldWords,
}

impl<'a> Support<'a> {
    /// Picks the passages that together hold most of the question: the best one, then what adds most to it.
    pub(super) fn of(section: &'a IndexedSection, title: &Question, question: &Question) -> Self {
        let in_headings = question.held_by(&section.heading_words);
        let candidates = candidates(section, question);
        let mut picked = BTreeSet::new();
        let mut in_text = HeldWords::new();
        let mut supported = 0.0;
        while picked.len() < MOST_PASSAGES
            && let Some((number, best)) = next_passage(&candidates, question, &picked, &in_text)
        {
            if !picked.is_empty() && question.share(best.held.difference(&in_text)) < LEAST_GAIN {
                break;
            }
            supported += if picked.is_empty() {
                question.share(&(&best.held | &in_headings))
            } else {
                question.share(best.held.difference(&(&in_text | &in_headings))) * FURTHER_PASSAGES
            };
            in_text.extend(&best.held);
            picked.insert(number);
        }
        let passages = || picked.iter().filter_map(|number| candidates.get(*number));
        let has_number = question.asks_for_number && passages().any(|one| one.passage.has_number);
        let passages = passages().map(|one| (one.passage, question.share(&(&one.held | &in_headings)))).collect();
        let in_question = title.held_by(&question.stems());
        let bonus = title.share(&in_question) * TITLE_BONUS + question.share(&in_text) * TEXT_BONUS;
        let bonus = if has_number { bonus + NUMBER_BONUS } else { bonus };
        Self { section, passages, share: supported, rank: supported + bonus }
    }
}

/// The passages that hold any of the question; the first one where none does and the headings alone speak of it.
fn candidates<'a>(section: &'a IndexedSection, question: &Question) -> Vec<Candidate<'a>> {
    let held =
        |passage: &IndexedPassage| &question.held_by(&passage.words) | &question.held_by(&passage.introduction_words);
    let all = section.passages.iter().map(|passage| Candidate { passage, held: held(passage) });
    let mut candidates: Vec<_> = all.filter(|candidate| !candidate.held.is_empty()).collect();
    if candidates.is_empty() {
        candidates.extend(section.passages.first().map(|passage| Candidate { passage, held: HeldWords::new() }));
    }
    candidates
}

/// The candidate that adds most to the words that are held; the first one of equals.
fn next_passage<'a, 'b>(
    candidates: &'b [Candidate<'a>],
    question: &Question,
    picked: &BTreeSet<usize>,
    held: &HeldWords,
) -> Option<(usize, &'b Candidate<'a>)> {
    let worth = |candidate: &Candidate<'_>| {
        let bonus = if question.asks_for_number && candidate.passage.has_number { NUMBER_BONUS } else { 0.0 };
        question.share(candidate.held.difference(held)) + bonus
    };
    let others = candidates.iter().enumerate().filter(|(number, _)| !picked.contains(number));
    let rated = others.map(|(number, candidate)| (worth(candidate), number, candidate));
    let best = rated.reduce(|best, other| if other.0 > best.0 { other } else { best });
    best.map(|(_, number, candidate)| (number, candidate))
}
