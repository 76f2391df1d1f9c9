//! A question in the words of what its reader may read: how much each word tells, and what else may stand for it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::question::{Question, QuestionWord};
use super::readable::Readable;
use super::synonyms::{SPELLING, SYNONYM_STRENGTH, SYNONYMS};
use super::words::{AskedWord, Word, asks_for_number, function_words};

/// How well a word stands for what may be a mistyped form of it, and for its own beginning.
const CORRECTION_STRENGTH: f32 = 0.9;
const BEGINNING_STRENGTH: f32 = 0.8;
/// The weight of a word that stands in one of twelve sections.
const RARE: f64 = 2.5;
/// Whoever mistypes a word meant one; more are taken where nobody can tell which.
const MOST_CORRECTIONS: usize = 2;
/// Of so many unknown words it is asked what they were meant to be: each is looked up on every shelf, and who mistypes more is
/// not understood anyway.
const MOST_CORRECTED: usize = 16;

impl Readable<'_> {
    /// A question as its content words, each with its weight. A name of code that no document holds is asked for by its parts.
    #[must_use]
    pub fn question(&self, text: &str) -> Question {
        let mut question = Question::asking(asks_for_number(text));
        let mut left_to_correct = MOST_CORRECTED;
        for word in self.analyzer.asked_words(text) {
            let parts =
                if self.sections_with(&word.stem) > 0 { Vec::new() } else { self.analyzer.parts_of(&word.written) };
            let words = if parts.is_empty() { vec![word] } else { parts };
            words.into_iter().for_each(|word| self.add(word, &mut question, &mut left_to_correct));
        }
        question
    }

    fn add(&self, word: AskedWord, question: &mut Question, left_to_correct: &mut usize) {
        let mut holding = self.sections_with(&word.stem);
        let mut forms = Vec::new();
        if holding == 0
            && let Some(left) = left_to_correct.checked_sub(1)
        {
            *left_to_correct = left;
            let written = word.written.to_lowercase();
            let Some(meant) = self.meant_by(&written) else { return };
            holding = meant.iter().map(|(stem, _)| self.sections_with(stem)).max().unwrap_or_default();
            forms = meant;
        }
        let known = [word.stem.as_str()].into_iter().chain(forms.iter().map(|(stem, _)| stem.as_str()));
        let weight = inverse_document_frequency(self.section_count() as f64, holding as f64);
        // Of a word that stands everywhere nobody needs another one.
        let known = known.filter(|_| weight >= RARE);
        let synonyms: BTreeSet<&String> = known.filter_map(|stem| SYNONYMS.get(stem)).flatten().collect();
        let synonyms: Vec<_> = synonyms.into_iter().filter(|stem| self.sections_with(stem) > 0).cloned().collect();
        let is_unknown = holding == 0 && synonyms.is_empty();
        forms.extend(synonyms.into_iter().map(|stem| (stem, SYNONYM_STRENGTH)));
        let AskedWord { stem, written, is_name } = word;
        question.add(QuestionWord { stem, written, weight, is_name, is_unknown }, forms);
    }

    /// What a word that no document holds may have been meant to be; nothing when it is a mistyped word without content, for
    /// which nothing is to be looked for.
    fn meant_by(&self, written: &str) -> Option<Vec<(String, f32)>> {
        let mut near: BTreeMap<String, u64> = BTreeMap::new();
        let known = self.shelves.iter().map(|shelf| &shelf.spelling).chain([&*SPELLING]);
        for stem in known.flat_map(|known| known.near(written)).filter_map(|word| self.analyzer.stem(word)) {
            near.entry(stem.clone()).or_insert_with(|| self.sections_with(&stem));
        }
        if near.is_empty() && is_mistyped_function_word(written) {
            return None;
        }
        let mut near: Vec<_> = near.into_iter().collect();
        near.sort_by_key(|(_, sections)| Reverse(*sections));
        let mut meant: Vec<_> =
            near.into_iter().take(MOST_CORRECTIONS).map(|(stem, _)| (stem, CORRECTION_STRENGTH)).collect();
        if meant.is_empty() {
            let beginning = beginning_of(written);
            let longer =
                self.shelves.iter().flat_map(|shelf| shelf.spelling.beginning_with(beginning, MOST_CORRECTIONS));
            let stems: BTreeSet<_> = longer.filter_map(|word| self.analyzer.stem(word)).collect();
            meant.extend(stems.into_iter().take(MOST_CORRECTIONS).map(|stem| (stem, BEGINNING_STRENGTH)));
        }
        Some(meant)
    }

    fn sections_with(&self, stem: &str) -> u64 {
        let word = Word::of(stem);
        self.shelves.iter().map(|shelf| shelf.counts().in_text(word)).sum()
    }
}

/// What a word has in common with others of its family, though it may end otherwise: all but its last quarter.
fn beginning_of(written: &str) -> &str {
    let kept = written.chars().count().saturating_mul(3).div_ceil(4);
    written.char_indices().nth(kept).map_or(written, |(end, _)| written.split_at(end).0)
}

/// Whether one mistake may have made this of a word without content.
fn is_mistyped_function_word(written: &str) -> bool {
    let is_near = |word: &&str| word.len() > 2 && word.len().abs_diff(written.len()) <= 1;
    function_words().filter(is_near).any(|word| strsim::osa_distance(word, written) == 1)
}

/// As in BM25: most for a word that no section holds.
fn inverse_document_frequency(all: f64, holding: f64) -> f64 {
    (1.0 + (all - holding + 0.5) / (holding + 0.5)).ln()
}
