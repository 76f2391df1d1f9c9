//! The words of one shelf as they are written there, and which of them somebody meant who mistyped one.
//!
//! One letter too many, too few, another one, or two that changed places: for each of them there is a letter that can be
//! left out of one word, or one out of each, so that the same is left of both. What is left of the shelf's words is looked up,
//! not compared: a question costs no more among a hundred thousand words than among a hundred.
//!
//! Documents come and go. How often each word stands on the shelf is counted with them, and a word that stands there no more is
//! not found any more, though it is left in its list until that is made anew.

mod list;

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::document::Document;
use super::words::Word;
use list::WordList;

/// Of shorter words too many are one letter away, and longer ones are no words.
const LETTERS: RangeInclusive<usize> = 4..=24;
/// A beginning that is shorter begins too many words.
const SHORTEST_BEGINNING: usize = 6;
/// So many new words, and more where there are many already, are listed apart: a change makes their list anew and no other.
const FEWEST_APART: usize = 500;
const SHARE_APART: usize = 8;

/// A shelf's words.
#[derive(Clone, Default)]
pub(super) struct Spelling {
    /// How often each listed word stands there.
    counts: Arc<HashMap<Word, u32>>,
    settled: Arc<WordList>,
    recent: Arc<WordList>,
}

impl Spelling {
    /// The words of these texts.
    pub(super) fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut spelling = Self::default();
        spelling.exchange([].into_iter(), texts);
        spelling
    }

    /// Takes out the words of documents that are gone, and puts in those of others.
    pub(super) fn change(&mut self, gone: &[(usize, Arc<Document>)], come: &[(usize, Arc<Document>)]) {
        self.exchange(texts(gone), texts(come));
    }

    /// The words that one mistake may have made this one of.
    pub(super) fn near<'a>(&'a self, written: &'a str) -> impl Iterator<Item = &'a str> {
        let lists = [&self.settled, &self.recent].into_iter().filter(|_| is_correctable(written));
        let words = lists.flat_map(|list| list.sharing_a_rest_with(written));
        words.filter(move |word| self.is_there(word) && strsim::osa_distance(word, written) == 1)
    }

    /// The first few words that begin like this.
    pub(super) fn beginning_with(&self, beginning: &str, most: usize) -> Vec<&str> {
        let lists = [&self.settled, &self.recent].into_iter().filter(|_| beginning.len() >= SHORTEST_BEGINNING);
        let mut words: Vec<&str> = lists
            .flat_map(|list| list.beginning_with(beginning).filter(|word| self.is_there(word)).take(most))
            .collect();
        words.sort_unstable();
        words.truncate(most);
        words
    }

    fn is_there(&self, word: &str) -> bool {
        self.counts.get(&Word::of(word)).is_some_and(|count| *count > 0)
    }

    fn exchange<'a>(&mut self, gone: impl Iterator<Item = &'a str>, come: impl Iterator<Item = &'a str>) {
        let counts = Arc::make_mut(&mut self.counts);
        let mut new: Vec<Box<str>> = Vec::new();
        for text in come {
            for_each_word(text, |word| {
                let count = counts.entry(Word::of(word)).or_insert_with(|| {
                    new.push(word.into());
                    0
                });
                *count = count.saturating_add(1);
            });
        }
        for text in gone {
            for_each_word(text, |word| {
                if let Some(count) = counts.get_mut(&Word::of(word)) {
                    *count = count.saturating_sub(1);
                }
            });
        }
        if new.is_empty() {
            return;
        }
        let recent: Vec<Box<str>> = self.recent.words().chain(new).collect();
        if recent.len() < FEWEST_APART.max(self.settled.len() / SHARE_APART) {
            self.recent = Arc::new(WordList::of(recent));
            return;
        }
        counts.retain(|_, count| *count > 0);
        let mut words: Vec<Box<str>> = self.settled.words().chain(recent).collect();
        words.retain(|word| counts.contains_key(&Word::of(word)));
        self.settled = Arc::new(WordList::of(words));
        self.recent = Arc::default();
    }
}

fn texts(documents: &[(usize, Arc<Document>)]) -> impl Iterator<Item = &str> {
    let sections = documents.iter().flat_map(|(_, document)| &document.sections).map(|indexed| &indexed.section);
    sections.flat_map(|section| [section.heading.as_str(), section.text()])
}

/// Whether a word is one that can be mistyped, and no number.
fn is_correctable(word: &str) -> bool {
    LETTERS.contains(&word.chars().count()) && word.chars().all(char::is_alphabetic)
}

/// Tells the words in small letters. There are millions of them, and so no text is made for each.
fn for_each_word(text: &str, mut tell: impl FnMut(&str)) {
    let mut lower = String::new();
    for word in text.split(|character: char| !character.is_alphanumeric()).filter(|word| is_correctable(word)) {
        lower.clear();
        if word.is_ascii() {
            lower.push_str(word);
            lower.make_ascii_lowercase();
        } else {
            lower.push_str(&word.to_lowercase());
        }
        tell(&lower);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_single_mistake_is_found_and_no_other_word() {
        let spelling = Spelling::of(["The number of releases; a failover, retryDelay. Ab 2026"].into_iter());
        for (written, meant) in [
            ("nubmer", "number"),
            ("numer", "number"),
            ("nummber", "number"),
            ("nunber", "number"),
            ("failovr", "failover"),
            ("releasse", "releases"),
        ] {
            assert_eq!(spelling.near(written).collect::<Vec<_>>(), [meant], "{written}");
        }
        for written in ["number", "numbre2", "nbr", "umbe", "", "2027"] {
            assert_eq!(spelling.near(written).count(), 0, "{written}");
        }
        assert_eq!(spelling.beginning_with("retryd", 2), ["retrydelay"]);
        assert!(spelling.beginning_with("ret", 2).is_empty());
    }

    /// A word of letters alone for each number.
    fn word(number: usize) -> String {
        let letter = |place: u32| char::from(b'a' + u8::try_from(number / 20_usize.pow(place) % 20).unwrap());
        format!("lantern{}", (0..4).map(letter).collect::<String>())
    }

    #[test]
    fn words_that_came_and_went_leave_no_trace() {
        let mut grown = Spelling::default();
        let texts: Vec<String> =
            (0..60).map(|text| (text * 40..text * 40 + 60).map(|at| word(at) + " ").collect()).collect();
        for (at, text) in texts.iter().enumerate() {
            let gone = at.checked_sub(7).map(|before| texts[before].as_str());
            grown.exchange(gone.into_iter(), [text.as_str()].into_iter());
            let at_once = Spelling::of(texts[at.saturating_sub(6)..=at].iter().map(String::as_str));
            for number in (0..at * 40 + 80).step_by(13) {
                let mistyped = word(number).replacen("nt", "tn", 1);
                let near = |spelling: &Spelling| spelling.near(&mistyped).map(str::to_owned).collect::<Vec<_>>();
                assert_eq!(near(&grown), near(&at_once), "{mistyped} after {at}");
                let beginning = &word(number)[..10];
                assert_eq!(grown.beginning_with(beginning, 2), at_once.beginning_with(beginning, 2), "{beginning}");
            }
        }
        assert!(grown.settled.len() > 0 && grown.counts.len() < 2000, "{} words are kept", grown.counts.len());
    }
}
