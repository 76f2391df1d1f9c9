//! Whether what was found answers the question, and how sure that is.
//!
//! A question can be near a section in every word and still ask for what it does not say. What tells is how far the best
//! section is ahead of the others, whether anything holds the question's weightiest word, and whether it names somebody or
//! something of whom nothing is said. Each weighs as a logistic regression found it, over questions that were written for that:
//! the part `tune` of the example company's, which count most, the table in the tests, and a hundred others; none of those that are
//! reported.

use super::finding::Finding;
use super::support::Support;
use super::{Confidence, Contact};
use crate::knowledge::Question;

/// The nearest sections of whose documents the owners are named.
const NEAREST: usize = 12;
const MOST_CONTACTS: usize = 3;

/// Longer questions are not surer for it.
const MOST_WORDS: f64 = 12.0;
/// Whoever leads by more leads clearly.
const LONGEST_LEAD: f64 = 3.0;

/// From this probability on, by words alone and with vectors, a section answers.
const KNOWN_BY_WORDS: f64 = 0.45;
const KNOWN_BY_MEANING: f64 = 0.6;
/// A section that answers a part of the question beside another one must be surer.
const KNOWN_BESIDE_BY_WORDS: f64 = 0.65;
const KNOWN_BESIDE_BY_MEANING: f64 = 0.75;
/// Nobody says it in so many of the question's own words without saying it.
const SAID_IN_THE_SAME_WORDS: f64 = 0.8;

const MEDIUM: f64 = 0.7;
const HIGH: f64 = 0.85;

/// What is cited, and how sure it is that it answers.
pub(super) struct Judgement<'f, 'a> {
    pub(super) cited: Vec<&'f Support<'a>>,
    pub(super) confidence: Confidence,
}

impl<'f, 'a> Judgement<'f, 'a> {
    pub(super) fn of(finding: &'f Finding<'a>) -> Self {
        let (known, known_beside) = if finding.has_vectors {
            (KNOWN_BY_MEANING, KNOWN_BESIDE_BY_MEANING)
        } else {
            (KNOWN_BY_WORDS, KNOWN_BESIDE_BY_WORDS)
        };
        let probability = |question: &Question, supports: &[Support<'_>], rank: fn(&Support<'_>) -> f64| {
            Signs::of(question, supports, rank).map_or(0.0, |signs| signs.probability(finding.has_vectors))
        };
        let mut cited: Vec<(f64, &Support<'a>)> = Vec::new();
        let whole = probability(&finding.question, &finding.supports, |support| support.rank);
        let is_said = |support: &&Support<'_>| whole >= known || support.said >= SAID_IN_THE_SAME_WORDS;
        cited.extend(finding.supports.first().filter(is_said).map(|support| (whole.max(known), support)));
        for (part, supports) in &finding.parts {
            let part = probability(part, supports, |support| support.rank_apart);
            let is_new =
                |support: &&Support<'_>| !cited.iter().any(|(_, known)| std::ptr::eq(known.section, support.section));
            if part >= known_beside
                && let Some(support) = supports.first().filter(is_new)
            {
                cited.push((part, support));
            }
        }
        let least = cited.iter().map(|(probability, _)| *probability).reduce(f64::min);
        let confidence = match least {
            None => Confidence::None,
            Some(least) if least >= HIGH => Confidence::High,
            Some(least) if least >= MEDIUM => Confidence::Medium,
            Some(_) => Confidence::Low,
        };
        Self { cited: cited.into_iter().map(|(_, support)| support).collect(), confidence }
    }
}

/// What there is to judge by.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Signs {
    /// By what the best section is compared with others.
    rank: f64,
    /// How far it is ahead of the next one.
    lead: f64,
    /// How many of the question's names it does not hold.
    missing_names: f64,
    /// The share of the question's weight that lies on the weightiest word that it does not hold.
    heaviest_missing: f64,
    words: f64,
}

impl Signs {
    fn of(question: &Question, supports: &[Support<'_>], rank: fn(&Support<'_>) -> f64) -> Option<Self> {
        let best = supports.first()?;
        let lead = supports.get(1).map_or(LONGEST_LEAD, |next| rank(best) - rank(next));
        let words = question.words();
        let all: f64 = words.iter().map(|word| word.weight).sum();
        let missing = || words.iter().zip(&best.held).map(|(word, grade)| (word, 1.0 - grade));
        let heaviest = missing().map(|(word, missing)| word.weight * missing).fold(0.0, f64::max);
        Some(Self {
            rank: rank(best),
            lead: lead.min(LONGEST_LEAD),
            missing_names: missing().filter(|(word, _)| word.is_name).map(|(_, missing)| missing).sum(),
            heaviest_missing: if all > 0.0 { heaviest / all } else { 1.0 },
            words: (words.len() as f64).min(MOST_WORDS),
        })
    }

    /// That the section answers.
    fn probability(&self, has_vectors: bool) -> f64 {
        let Self { rank, lead, missing_names, heaviest_missing, words } = *self;
        let sum = if has_vectors {
            rank * 0.056 + lead * 1.022 - missing_names * 1.404 - heaviest_missing * 3.109 + words * 0.168 - 2.03
        } else {
            rank * 0.16 + lead * 0.773 - missing_names * 1.913 - heaviest_missing * 4.197 + words * 0.078 - 2.116
        };
        1.0 / (1.0 + (-sum).exp())
    }
}

/// The owners of the documents that are nearest to the question, unless the answer is sure.
pub(super) fn contacts(finding: &Finding<'_>, confidence: Confidence) -> Vec<Contact> {
    let mut contacts: Vec<Contact> = Vec::new();
    if confidence >= Confidence::Medium {
        return contacts;
    }
    for support in finding.sections().into_iter().take(NEAREST) {
        let section = &support.section.section;
        let Some(owner) = section.front_matter().owner.clone() else { continue };
        if contacts.len() < MOST_CONTACTS && !contacts.iter().any(|contact| contact.owner == owner) {
            contacts.push(Contact { owner, file: section.file.clone() });
        }
    }
    contacts
}
