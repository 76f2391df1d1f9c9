//! How well a section supports a question: the share of the question's words, by weight, that it holds.

use std::collections::BTreeSet;

use crate::knowledge::{IndexedPassage, IndexedSection, Question, WordSet};

/// More passages would be a copy of the section rather than an answer.
const MOST_PASSAGES: usize = 3;
/// A further passage must add at least this share.
const LEAST_GAIN: f64 = 0.1;
/// Words that only further passages hold count for less: two sentences that share a section need not belong together.
const FURTHER_PASSAGES: f64 = 0.6;
/// Between passages that hold the same words, one with a figure answers a question for a number.
const NUMBER_BONUS: f64 = 0.05;
/// Between sections that support a question alike, the one whose title asks the same is meant.
const TITLE_BONUS: f64 = 0.1;
const OWN_WORDS_BONUS: f64 = 0.12;

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

/// The share of the question's weight that lies on words for which `holds` is true. A word that no document knows has
/// the greatest weight and is held by nothing, so a question about something else is never well supported.
pub(super) fn share(question: &Question, holds: impl Fn(&str) -> bool) -> f64 {
    let all: f64 = question.words.iter().map(|word| word.weight).sum();
    let held = question.words.iter().filter(|word| holds(&word.stem)).map(|word| word.weight);
    if all > 0.0 { held.sum::<f64>().max(0.0) / all } else { 0.0 }
}

impl<'a> Support<'a> {
    /// Picks the passages that together hold most of the question: the best one, then what adds most to it.
    pub(super) fn of(section: &'a IndexedSection, question: &Question) -> Self {
        let mut picked = BTreeSet::new();
        let mut held = WordSet::new();
        let mut supported = 0.0;
        while let Some((number, passage)) = next_passage(section, question, &picked, &held) {
            let gain = share(question, |stem| !held.contains(stem) && passage.holds(stem));
            if picked.len() == MOST_PASSAGES || !picked.is_empty() && gain < LEAST_GAIN {
                break;
            }
            let held_before = share(question, |stem| held.contains(stem) || section.heading_words.contains(stem));
            held.extend(passage.words.union(&passage.introduction_words).cloned());
            let held_now = share(question, |stem| held.contains(stem) || section.heading_words.contains(stem));
            supported =
                if picked.is_empty() { held_now } else { supported + (held_now - held_before) * FURTHER_PASSAGES };
            picked.insert(number);
        }
        let own_share = share(question, |stem| held.contains(stem));
        let title_share = share(&section.title, |stem| question.words.iter().any(|word| word.stem == stem));
        let passages = picked.iter().filter_map(|number| section.passages.get(*number));
        let with_headings = |passage: &'a IndexedPassage| {
            (passage, share(question, |stem| passage.holds(stem) || section.heading_words.contains(stem)))
        };
        Self {
            section,
            passages: passages.map(with_headings).collect(),
            share: supported,
            rank: supported + title_share * TITLE_BONUS + own_share * OWN_WORDS_BONUS,
        }
    }
}

/// The passage that adds most to the words that are held; the first one of equals.
fn next_passage<'a>(
    section: &'a IndexedSection,
    question: &Question,
    picked: &BTreeSet<usize>,
    held: &WordSet,
) -> Option<(usize, &'a IndexedPassage)> {
    let worth = |passage: &IndexedPassage| {
        let bonus = if question.asks_for_number && passage.has_number { NUMBER_BONUS } else { 0.0 };
        share(question, |stem| !held.contains(stem) && passage.holds(stem)) + bonus
    };
    // Of equals `max_by` takes the last.
    let candidates = section.passages.iter().enumerate().rev().filter(|(number, _)| !picked.contains(number));
    candidates.max_by(|(_, one), (_, other)| worth(one).total_cmp(&worth(other)))
}
