//! The words of a text, as small as they can be compared: a hundred thousand sections hold millions of them.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A stem's hash. Two stems in one hash are not to be expected below billions of different ones, and 64 bits are too many to
/// look for a stem that passes for a given one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::knowledge) struct Word(u64);

impl Word {
    pub(in crate::knowledge) fn of(stem: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        stem.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// Stems of the content words of some text. It tells whether a stem is among them; the stems themselves are not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WordSet(Box<[Word]>);

impl WordSet {
    /// Whether a stem is among them.
    #[must_use]
    pub fn contains(&self, stem: &str) -> bool {
        self.holds(Word::of(stem))
    }

    /// How many they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::knowledge) fn iter(&self) -> impl Iterator<Item = Word> {
        self.0.iter().copied()
    }

    pub(in crate::knowledge) fn holds(&self, word: Word) -> bool {
        self.0.binary_search(&word).is_ok()
    }
}

impl FromIterator<Word> for WordSet {
    fn from_iter<Words: IntoIterator<Item = Word>>(words: Words) -> Self {
        let mut words: Vec<Word> = words.into_iter().collect();
        words.sort_unstable();
        words.dedup();
        Self(words.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_its_words_once_and_no_others() {
        let set: WordSet = ["worker", "queue", "worker"].map(Word::of).into_iter().collect();
        assert_eq!((set.len(), set.is_empty()), (2, false));
        assert!(set.contains("worker") && set.contains("queue") && !set.contains("work"));
        assert_eq!(set, ["queue", "worker"].map(Word::of).into_iter().collect());
        assert!(WordSet::default().is_empty());
    }
}
