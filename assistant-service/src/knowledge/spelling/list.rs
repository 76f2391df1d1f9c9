//! A list of words, and what is left of each when one letter is left out.

use std::hash::{DefaultHasher, Hasher};

#[derive(Default)]
pub(super) struct WordList {
    /// In their order.
    words: Vec<Box<str>>,
    /// What is left of each, and of which one it is; in its order.
    left: Vec<(u32, u32)>,
}

impl WordList {
    pub(super) fn of(mut words: Vec<Box<str>>) -> Self {
        words.sort_unstable();
        let numbered = (0_u32..).zip(&words);
        let mut left: Vec<(u32, u32)> =
            numbered.flat_map(|(number, word)| without_a_letter(word).map(move |left| (left, number))).collect();
        left.sort_unstable();
        left.dedup();
        Self { words, left }
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    pub(super) fn words(&self) -> impl Iterator<Item = Box<str>> {
        self.words.iter().cloned()
    }

    /// The words of which the same may be left as of this one, each once.
    pub(super) fn sharing_a_rest_with(&self, written: &str) -> impl Iterator<Item = &str> {
        let mut numbers: Vec<u32> = Vec::new();
        for hash in without_a_letter(written) {
            let from = self.left.partition_point(|(left, _)| *left < hash);
            let same = self.left.get(from..).unwrap_or_default().iter().take_while(|(left, _)| *left == hash);
            numbers.extend(same.map(|(_, number)| number));
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().filter_map(|number| self.words.get(usize::try_from(number).ok()?)).map(AsRef::as_ref)
    }

    /// The words that begin like this.
    pub(super) fn beginning_with(&self, beginning: &str) -> impl Iterator<Item = &str> {
        let from = self.words.partition_point(|word| word.as_ref() < beginning);
        let rest = self.words.get(from..).unwrap_or_default().iter().map(AsRef::as_ref);
        rest.take_while(move |word: &&str| word.starts_with(beginning))
    }
}

/// The word itself, and all that it can become when one letter is left out; as hashes, of which a wrong one costs a comparison.
fn without_a_letter(word: &str) -> impl Iterator<Item = u32> {
    let all = word.char_indices().map(move |(at, left_out)| {
        let rest = word.get(at.saturating_add(left_out.len_utf8())..).unwrap_or_default();
        hash(word.get(..at).unwrap_or_default(), rest)
    });
    all.chain([hash(word, "")])
}

fn hash(beginning: &str, rest: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    hasher.write(beginning.as_bytes());
    hasher.write(rest.as_bytes());
    let [a, b, c, d, ..] = hasher.finish().to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
