//! A question as far as it can be looked up: its content words, each with the other words that may stand for it.

use std::collections::BTreeSet;

use super::words::{Word, WordSet};

/// A question as far as it can be looked up.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Question {
    words: Vec<QuestionWord>,
    forms: Vec<Form>,
    /// Whether the answer is likely to hold a number: it asks how long, how many, or when.
    pub asks_for_number: bool,
}

/// A content word of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionWord {
    /// The form in which words are compared.
    pub stem: String,
    /// The form in which it was written.
    pub written: String,
    /// How much it tells: the inverse document frequency.
    pub weight: f64,
    /// Whether it is written like the name of somebody or something.
    pub is_name: bool,
    /// Whether no document that the reader may read holds it or a word that stands for it.
    pub is_unknown: bool,
}

/// A word that stands for one of the question's.
#[derive(Debug, Clone, PartialEq)]
struct Form {
    stem: String,
    /// How well it does, from 0 to 1.
    strength: f32,
    word: Word,
    position: usize,
}

/// From this strength on a form is the word itself, if only mistyped.
const SAME_WORD: f32 = 0.8;

/// So many words are looked for in the index.
const MOST_FORMS: usize = 40;

/// Which words of a question something holds, by their position.
pub type HeldWords = BTreeSet<usize>;

impl Question {
    pub(super) fn asking(asks_for_number: bool) -> Self {
        Self { asks_for_number, ..Self::default() }
    }

    /// The content words, each once, in the question's order.
    #[must_use]
    pub fn words(&self) -> &[QuestionWord] {
        &self.words
    }

    /// What is looked for in the index, and how much it counts there: of a long question what tells most, so that none costs
    /// much more than another.
    pub(super) fn searched_forms(&self) -> Vec<(&str, f32)> {
        let weight =
            |form: &Form| self.words.get(form.position).map_or(0.0, |word| word.weight) * f64::from(form.strength);
        let mut forms: Vec<_> = self.forms.iter().map(|form| (weight(form), form)).collect();
        forms.sort_by(|one, other| other.0.total_cmp(&one.0));
        forms.into_iter().take(MOST_FORMS).map(|(_, form)| (form.stem.as_str(), form.strength)).collect()
    }

    /// Which words of the question are among `words`, be they mistyped.
    #[must_use]
    pub fn held_by(&self, words: &WordSet) -> HeldWords {
        let forms = self.forms.iter().filter(|form| form.strength >= SAME_WORD && words.holds(form.word));
        forms.map(|form| form.position).collect()
    }

    /// How well each of the question's words is held, from 0 to 1.
    #[must_use]
    pub fn grades(&self, words: &WordSet) -> Vec<f64> {
        let mut grades = vec![0.0; self.words.len()];
        for form in self.forms.iter().filter(|form| words.holds(form.word)) {
            if let Some(grade) = grades.get_mut(form.position) {
                *grade = f64::max(*grade, form.strength.into());
            }
        }
        grades
    }

    /// The share of the question's weight that such grades hold, from 0 to 1. A word that no document knows weighs most and is
    /// held by nothing, so a question about something else is never well supported.
    #[must_use]
    pub fn graded_share(&self, grades: &[f64]) -> f64 {
        let all: f64 = self.words.iter().map(|word| word.weight).sum();
        let held: f64 = self.words.iter().zip(grades).map(|(word, grade)| word.weight * grade).sum();
        if all > 0.0 { held / all } else { 0.0 }
    }

    /// The share of the question's weight that lies on the words at some positions, from 0 to 1.
    #[must_use]
    pub fn share<'a>(&self, held: impl IntoIterator<Item = &'a usize>) -> f64 {
        let mut grades = vec![0.0; self.words.len()];
        for position in held {
            if let Some(grade) = grades.get_mut(*position) {
                *grade = 1.0;
            }
        }
        self.graded_share(&grades)
    }

    /// The same question, asked for the sake of a part of it: what that does not say is context, and weighs `context`.
    #[must_use]
    pub fn with_emphasis(&self, part: &Self, context: f64) -> Self {
        let mut emphasised = self.clone();
        emphasised.asks_for_number = part.asks_for_number;
        for word in &mut emphasised.words {
            if !part.words.iter().any(|other| other.stem == word.stem) {
                word.weight *= context;
            }
        }
        emphasised
    }

    /// Adds a word with what stands for it; one that is there already is not added again.
    pub(super) fn add(&mut self, word: QuestionWord, forms: impl IntoIterator<Item = (String, f32)>) {
        if self.words.iter().any(|other| other.stem == word.stem) {
            return;
        }
        let position = self.words.len();
        let all = [(word.stem.clone(), 1.0)].into_iter().chain(forms);
        self.forms.extend(all.map(|(stem, strength)| Form { word: Word::of(&stem), stem, strength, position }));
        self.words.push(word);
    }
}
