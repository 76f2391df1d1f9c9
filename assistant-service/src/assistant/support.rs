//! How well a section supports a question: by the words that it holds, and by how near it is in meaning.

use std::collections::BTreeSet;

use crate::knowledge::{Found, IndexedPassage, IndexedSection, Question, Similarities};

/// More passages would be a copy of the section rather than an answer.
const MOST_PASSAGES: usize = 3;
/// A further passage must add at least this share.
const LEAST_GAIN: f64 = 0.12;
/// What only leads to a passage, or stands above it, says less than the passage itself.
const INTRODUCTION: f64 = 0.9;
const HEADING: f64 = 0.85;
/// Between passages that hold the same words, one with a figure answers a question for a number.
const NUMBER_BONUS: f64 = 0.08;
/// How much being near in meaning counts between the passages of one section.
const NEARNESS: f64 = 1.0;

/// A section and those of its passages that support a question.
pub(super) struct Support<'a> {
    pub(super) section: &'a IndexedSection,
    /// In the section's order, each with the share that it holds together with the headings.
    pub(super) passages: Vec<(&'a IndexedPassage, f64)>,
    /// How well each of the question's words is held by the section and its headings.
    pub(super) held: Vec<f64>,
    /// The share of the question that stands, in the question's own words, in one passage or above it.
    pub(super) said: f64,
    /// By what sections are compared.
    pub(super) rank: f64,
    /// The same without BM25, which knows the question as a whole alone.
    pub(super) rank_apart: f64,
}

/// What speaks for a section, each from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Evidence {
    /// What BM25 says, against the best section.
    bm25: f64,
    /// The share of the question that the best passage holds, with the headings.
    passage: f64,
    /// The same of all passages together.
    section: f64,
    /// The share that stands in a passage and not in headings alone.
    text: f64,
    /// Whether the best passage has a figure where one is asked for; half where none is.
    number: f64,
    /// The cosine of the nearest passage, and of the section as a whole.
    nearest: f64,
    whole: f64,
}

struct Candidate<'a> {
    passage: &'a IndexedPassage,
    grades: Vec<f64>,
    nearness: f64,
}

impl<'a> Support<'a> {
    /// Picks the passages that together hold most of the question: the best one, then what adds most to it.
    pub(super) fn of(found: &Found<'a>, question: &Question, vector: usize, best_bm25: f32) -> Self {
        let section = found.section;
        let similarities = found.similarities.get(vector);
        let in_headings: Vec<f64> =
            question.grades(&section.heading_words).into_iter().map(|grade| grade * HEADING).collect();
        let candidates = candidates(section, question, similarities);
        let mut picked = BTreeSet::new();
        let mut in_text = vec![0.0; question.words().len()];
        while picked.len() < MOST_PASSAGES
            && let Some((number, best)) = next_passage(&candidates, question, &picked, &in_text)
        {
            let with_best = higher(&in_text, &best.grades);
            let gain = question.graded_share(&with_best) - question.graded_share(&in_text);
            if !picked.is_empty() && gain < LEAST_GAIN {
                break;
            }
            in_text = with_best;
            picked.insert(number);
        }
        let shared = |grades: &[f64]| question.graded_share(&higher(grades, &in_headings));
        let best = candidates.iter().map(|one| shared(&one.grades)).fold(0.0, f64::max);
        let all = candidates.iter().fold(in_headings.clone(), |all, one| higher(&all, &one.grades));
        let text = candidates.iter().map(|one| question.graded_share(&one.grades)).fold(0.0, f64::max);
        let of_picked = || picked.iter().filter_map(|number| candidates.get(*number));
        let number = match (question.asks_for_number, of_picked().any(|one| one.passage.has_number)) {
            (false, _) => 0.5,
            (true, has_number) => f64::from(u8::from(has_number)),
        };
        let evidence = Evidence {
            bm25: if best_bm25 > 0.0 { f64::from(found.bm25 / best_bm25) } else { 0.0 },
            passage: best,
            section: question.graded_share(&all),
            text,
            number,
            nearest: similarities
                .map_or(0.0, |similarities| similarities.passages.iter().copied().fold(0.0, f32::max).into()),
            whole: similarities.map_or(0.0, |similarities| similarities.whole.into()),
        };
        let passages = of_picked().map(|one| (one.passage, shared(&one.grades))).collect();
        let rank = evidence.rank(similarities.is_some());
        let rank_apart = Evidence { bm25: 0.0, ..evidence }.rank(similarities.is_some());
        Self { section, passages, held: all, said: said(section, question), rank, rank_apart }
    }
}

impl Evidence {
    /// How sections are compared; fitted on the questions of the part `tune` and the table of questions in the tests.
    fn rank(&self, has_vectors: bool) -> f64 {
        if has_vectors {
            self.bm25 * 2.4
                + self.passage * 2.3
                + self.section * 4.0
                + self.text * 0.5
                + self.number * 1.3
                + self.nearest * 6.0
                + self.whole * 5.5
        } else {
            self.bm25 * 4.4 + self.passage * 2.8 + self.section * 5.1 + self.text * 0.8 + self.number * 1.3
        }
    }
}

/// The share of the question that stands in one passage, in what leads to it or in the headings above, in the same words.
fn said(section: &IndexedSection, question: &Question) -> f64 {
    let above = question.held_by(&section.heading_words);
    let with = |passage: &IndexedPassage| {
        let led_to = &question.held_by(&passage.words) | &question.held_by(&passage.introduction_words);
        question.share(&(&led_to | &above))
    };
    section.passages.iter().map(with).fold(0.0, f64::max)
}

fn candidates<'a>(
    section: &'a IndexedSection,
    question: &Question,
    similarities: Option<&Similarities>,
) -> Vec<Candidate<'a>> {
    let of = |(number, passage): (usize, &'a IndexedPassage)| {
        let introduced = question.grades(&passage.introduction_words).into_iter().map(|grade| grade * INTRODUCTION);
        let grades = higher(&question.grades(&passage.words), &introduced.collect::<Vec<_>>());
        let nearness = similarities.and_then(|similarities| similarities.passages.get(number)).copied();
        Candidate { passage, grades, nearness: nearness.unwrap_or_default().into() }
    };
    section.passages.iter().enumerate().map(of).collect()
}

/// The candidate that adds most; the first one of equals.
fn next_passage<'a, 'b>(
    candidates: &'b [Candidate<'a>],
    question: &Question,
    picked: &BTreeSet<usize>,
    held: &[f64],
) -> Option<(usize, &'b Candidate<'a>)> {
    let before = question.graded_share(held);
    let worth = |candidate: &Candidate<'_>| {
        let bonus = if question.asks_for_number && candidate.passage.has_number { NUMBER_BONUS } else { 0.0 };
        question.graded_share(&higher(held, &candidate.grades)) - before + bonus + candidate.nearness * NEARNESS
    };
    let others = candidates.iter().enumerate().filter(|(number, _)| !picked.contains(number));
    let rated = others.map(|(number, candidate)| (worth(candidate), number, candidate));
    let best = rated.reduce(|best, other| if other.0 > best.0 { other } else { best });
    best.map(|(_, number, candidate)| (number, candidate))
}

/// The higher of each two grades.
fn higher(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| one.max(*other)).collect()
}
