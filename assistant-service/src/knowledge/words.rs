//! What counts as a word, and when two words are the same: English stems, without the words that carry no content.

mod set;

use std::collections::BTreeSet;

use tantivy::tokenizer::{
    Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, StopWordFilter, TextAnalyzer, Tokenizer,
};

use super::identifiers::{WordsAndParts, parts};
pub(super) use set::Word;
pub use set::WordSet;

const LONGEST_BYTES: usize = 64;

/// Words that ask, rather than being what is asked about; on top of tantivy's articles, prepositions and so on.
const ASKING: &str = "about all also am any been being can could describe did do does explain from get had happen happened happens \
    has have he her him his how i its just may me might must my now our please shall she should so some \
    tell than them those too until us very we were what when where whether which while who whom whose why would you your \
    d ll m re s t ve";

/// After `how`, these ask for a number and are not themselves looked for.
const MEASURES: [&str; 11] = ["big", "far", "fast", "large", "long", "many", "much", "often", "old", "quickly", "soon"];

/// A question as far as it can be looked up.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Question {
    words: Vec<QuestionWord>,
    /// The same words in the form in which documents hold theirs.
    held: Vec<Word>,
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
}

/// Which words of a question something holds, by their position.
pub type HeldWords = BTreeSet<usize>;

impl Question {
    /// The content words, each once, in the question's order.
    #[must_use]
    pub fn words(&self) -> &[QuestionWord] {
        &self.words
    }

    /// The content words in the form in which they are compared.
    #[must_use]
    pub fn stems(&self) -> WordSet {
        self.held.iter().copied().collect()
    }

    /// Which words of the question are among `words`.
    #[must_use]
    pub fn held_by(&self, words: &WordSet) -> HeldWords {
        self.held.iter().enumerate().filter(|(_, word)| words.holds(**word)).map(|(position, _)| position).collect()
    }

    /// The share of the question's weight that lies on the words at some positions, from 0 to 1. A word that no document knows
    /// weighs most and is held by nothing, so a question about something else is never well supported.
    #[must_use]
    pub fn share<'a>(&self, held: impl IntoIterator<Item = &'a usize>) -> f64 {
        let all: f64 = self.words.iter().map(|word| word.weight).sum();
        let held = held.into_iter().filter_map(|position| self.words.get(*position)).map(|word| word.weight);
        if all > 0.0 { held.fold(0.0, |sum, weight| sum + weight) / all } else { 0.0 }
    }

    fn add(&mut self, word: QuestionWord) {
        let held = Word::of(&word.stem);
        if !self.held.contains(&held) {
            self.held.push(held);
            self.words.push(word);
        }
    }
}

/// Cuts text into words.
#[derive(Clone)]
pub(super) struct Analyzer {
    words: TextAnalyzer,
    words_and_parts: TextAnalyzer,
}

impl Default for Analyzer {
    fn default() -> Self {
        Self { words: analyzer(SimpleTokenizer::default()), words_and_parts: analyzer(WordsAndParts::default()) }
    }
}

fn analyzer(tokenizer: impl Tokenizer) -> TextAnalyzer {
    let asking = ASKING.split_whitespace().map(str::to_owned);
    let common = StopWordFilter::new(Language::English).unwrap_or_else(|| StopWordFilter::remove([]));
    TextAnalyzer::builder(tokenizer)
        .filter(RemoveLongFilter::limit(LONGEST_BYTES))
        .filter(LowerCaser)
        .filter(common)
        .filter(StopWordFilter::remove(asking))
        .filter(Stemmer::new(Language::English))
        .build()
}

impl Analyzer {
    /// How documents are cut into words.
    pub(super) fn into_inner(self) -> TextAnalyzer {
        self.words_and_parts
    }

    pub(super) fn words(&self, text: &str) -> WordSet {
        self.counted_words(text).0
    }

    /// The words of a text, and how many they are when each counts as often as it stands there.
    pub(super) fn counted_words(&self, text: &str) -> (WordSet, usize) {
        let mut words = Vec::new();
        self.words_and_parts.clone().token_stream(text).process(&mut |token| words.push(Word::of(&token.text)));
        let count = words.len();
        (words.into_iter().collect(), count)
    }

    /// A question's words. A name of code that no document holds, which `is_known` tells, is asked for by its parts.
    pub(super) fn question(
        &self,
        text: &str,
        is_known: impl Fn(&str) -> bool,
        weight: impl Fn(&str) -> f64,
    ) -> Question {
        let mut question = Question { asks_for_number: mentions(text, "when"), ..Question::default() };
        self.words.clone().token_stream(text).process(&mut |token| {
            let written = text.get(token.offset_from..token.offset_to).unwrap_or_default();
            let before = text.get(..token.offset_from).unwrap_or_default();
            if is_measure(written, before) {
                question.asks_for_number = true;
                return;
            }
            let parts = if is_known(&token.text) { Vec::new() } else { parts(written) };
            for part in parts.iter().filter_map(|part| written.get(part.clone())) {
                self.words.clone().token_stream(part).process(&mut |token| {
                    let stem = token.text.clone();
                    question.add(QuestionWord { weight: weight(&stem), stem, written: part.to_owned() });
                });
            }
            if parts.is_empty() {
                let (stem, written) = (token.text.clone(), written.to_owned());
                question.add(QuestionWord { weight: weight(&stem), stem, written });
            }
        });
        question
    }
}

fn mentions(text: &str, word: &str) -> bool {
    text.split(|character: char| !character.is_alphanumeric()).any(|other| other.eq_ignore_ascii_case(word))
}

fn is_measure(written: &str, before: &str) -> bool {
    let previous = before.split_whitespace().next_back().unwrap_or_default();
    previous.eq_ignore_ascii_case("how") && MEASURES.iter().any(|measure| written.eq_ignore_ascii_case(measure))
}
