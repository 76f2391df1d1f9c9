//! What counts as a word, and when two words are the same: English stems, without the words that carry no content.

use std::collections::BTreeSet;

use tantivy::tokenizer::{
    Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, StopWordFilter, TextAnalyzer,
};

/// Stems of the content words of some text.
pub type WordSet = BTreeSet<String>;

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
    /// Its content words, each once, in their order.
    pub words: Vec<QuestionWord>,
    /// Whether the answer is likely to hold a number: it asks how long, how many, or when.
    pub asks_for_number: bool,
}

/// A word of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionWord {
    /// The form in which words are compared.
    pub stem: String,
    /// The form in which it was written.
    pub written: String,
    /// How much it tells: the inverse document frequency.
    pub weight: f64,
}

/// Cuts text into words.
#[derive(Clone)]
pub(super) struct Analyzer(TextAnalyzer);

impl Default for Analyzer {
    fn default() -> Self {
        let asking = ASKING.split_whitespace().map(str::to_owned);
        let common = StopWordFilter::new(Language::English).unwrap_or_else(|| StopWordFilter::remove([]));
        Self(
            TextAnalyzer::builder(SimpleTokenizer::default())
                .filter(RemoveLongFilter::limit(LONGEST_BYTES))
                .filter(LowerCaser)
                .filter(common)
                .filter(StopWordFilter::remove(asking))
                .filter(Stemmer::new(Language::English))
                .build(),
        )
    }
}

impl Analyzer {
    pub(super) fn into_inner(self) -> TextAnalyzer {
        self.0
    }

    pub(super) fn words(&self, text: &str) -> WordSet {
        let mut words = WordSet::new();
        self.0.clone().token_stream(text).process(&mut |token| {
            words.insert(token.text.clone());
        });
        words
    }

    pub(super) fn question(&self, text: &str, weight: impl Fn(&str) -> f64) -> Question {
        let mut question = Question { words: Vec::new(), asks_for_number: mentions(text, "when") };
        self.0.clone().token_stream(text).process(&mut |token| {
            let written = text.get(token.offset_from..token.offset_to).unwrap_or_default();
            let before = text.get(..token.offset_from).unwrap_or_default();
            if is_measure(written, before) {
                question.asks_for_number = true;
            } else if question.words.iter().all(|word| word.stem != token.text) {
                let stem = token.text.clone();
                question.words.push(QuestionWord { weight: weight(&stem), written: written.to_owned(), stem });
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
