//! What counts as a word, and when two words are the same: English stems, without the words that carry no content.

mod set;

use tantivy::tokenizer::{
    Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, StopWordFilter, TextAnalyzer, Tokenizer,
};

use super::identifiers::{WordsAndParts, parts};
pub(super) use set::Word;
pub use set::WordSet;

const LONGEST_BYTES: usize = 64;

/// Words that ask, rather than being what is asked about; on top of tantivy's articles, prepositions and so on.
const ASKING: &str = "about actually all already also am any anybody anyone anything been being can could couldn describe did \
    didn do does doesn doing don done else even ever every everybody everyone everything exactly explain from get gets got \
    had happen happened happening happens has hasn have haven he her here hi him his honestly how i isn its just let like \
    lot maybe may me might mine must my myself now okay our ours ourselves please quite rather really shall she should \
    shouldn simply so some somebody someone something somehow still tell than thanks them themselves thing things think those \
    though too until us very want wants was wasn we were weren what when where whether which while who whoever whom whose why \
    won would wouldn yes yet you your yours d ll m re s t ve";

/// Of tantivy's words without content, those that are long enough to be mistyped.
const COMMON: &str = "and are but for into not such that the their then there these they this was will with";

/// After `how`, these ask for a number and are not themselves looked for.
const MEASURES: [&str; 11] = ["big", "far", "fast", "large", "long", "many", "much", "often", "old", "quickly", "soon"];

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

    /// Both forms of every word of a text that carries content, in its order: as it was written, and as it is compared.
    pub(super) fn asked_words(&self, text: &str) -> Vec<AskedWord> {
        let mut asked = Vec::new();
        self.words.clone().token_stream(text).process(&mut |token| {
            let written = text.get(token.offset_from..token.offset_to).unwrap_or_default();
            let before = text.get(..token.offset_from).unwrap_or_default();
            if !is_measure(written, before) {
                let is_name = written.starts_with(char::is_uppercase) && !begins_sentence(before);
                asked.push(AskedWord { stem: token.text.clone(), written: written.to_owned(), is_name });
            }
        });
        asked
    }

    /// The form in which one word is compared; nothing for a word without content.
    pub(super) fn stem(&self, word: &str) -> Option<String> {
        let mut stem = None;
        self.words.clone().token_stream(word).process(&mut |token| stem = Some(token.text.clone()));
        stem
    }

    /// The words that a word of code is made of, where there are several.
    pub(super) fn parts_of(&self, written: &str) -> Vec<AskedWord> {
        let parts = parts(written);
        parts.into_iter().filter_map(|part| written.get(part)).flat_map(|part| self.asked_words(part)).collect()
    }
}

/// A word of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AskedWord {
    pub(super) stem: String,
    pub(super) written: String,
    /// Whether it has a capital letter that no sentence's beginning gives it.
    pub(super) is_name: bool,
}

/// Words that carry no content, as far as people mistype them.
pub(super) fn function_words() -> impl Iterator<Item = &'static str> {
    ASKING.split_whitespace().chain(COMMON.split_whitespace())
}

/// Whether a question wants a number: how long, how many, when.
pub(super) fn asks_for_number(text: &str) -> bool {
    let mut before = "";
    split(text).any(|word| {
        let asks =
            is_measure(word, before) || word.eq_ignore_ascii_case("when") || word.eq_ignore_ascii_case("percentage");
        before = word;
        asks
    })
}

pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn begins_sentence(before: &str) -> bool {
    before.trim_end().chars().next_back().is_none_or(|last| matches!(last, '.' | '!' | '?' | ':' | '"' | '\''))
}

fn is_measure(written: &str, before: &str) -> bool {
    let previous = before.split_whitespace().next_back().unwrap_or_default();
    previous.eq_ignore_ascii_case("how") && MEASURES.iter().any(|measure| written.eq_ignore_ascii_case(measure))
}
