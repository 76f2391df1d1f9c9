//! Tells which texts are almost the same, without comparing each with each.
//!
//! Two sets of words whose shared part is at least [`LIKE`] of their union share one of their rarest words: of a set of `n` words
//! it is enough to look at its `n - ⌈LIKE·n⌉ + 1` rarest ones. So only texts that share a rare word are compared, and none that
//! is alike is missed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The share of the words that like texts have in common, in percent of all words of both.
const LIKE_PERCENT: usize = 80;

/// Texts in groups of like ones.
#[derive(Debug)]
pub(super) struct Groups {
    parents: Vec<usize>,
}

impl Groups {
    /// As many groups as texts.
    pub(super) fn apart(count: usize) -> Self {
        Self { parents: (0..count).collect() }
    }

    /// Joins the groups of texts that are alike.
    pub(super) fn join_like<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        let sets: Vec<BTreeSet<String>> = texts.map(words).collect();
        let mut frequencies: HashMap<&str, usize> = HashMap::new();
        for word in sets.iter().flatten() {
            let frequency = frequencies.entry(word).or_default();
            *frequency = frequency.saturating_add(1);
        }
        let mut holding: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, set) in sets.iter().enumerate() {
            let mut rarest: Vec<&str> = set.iter().map(String::as_str).collect();
            rarest.sort_by_key(|word| (frequencies.get(word).copied().unwrap_or_default(), *word));
            let needed = set.len().saturating_mul(LIKE_PERCENT).div_ceil(100);
            rarest.truncate(set.len().saturating_sub(needed).saturating_add(1));
            let mut compared = BTreeSet::new();
            for word in rarest {
                let others = holding.entry(word).or_default();
                for other in others.iter().copied() {
                    let is_like = |other: usize| sets.get(other).is_some_and(|other| are_like(set, other));
                    if self.root(other) != self.root(at) && compared.insert(other) && is_like(other) {
                        self.join(at, other);
                    }
                }
                others.push(at);
            }
        }
    }

    /// The members of each group, the first member first.
    pub(super) fn members(mut self) -> Vec<Vec<usize>> {
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for at in 0..self.parents.len() {
            members.entry(self.root(at)).or_default().push(at);
        }
        members.into_values().collect()
    }

    fn root(&mut self, mut at: usize) -> usize {
        while let Some(parent) = self.parents.get(at).copied().filter(|parent| *parent != at) {
            // Halves the way for whoever comes next.
            let above = self.parents.get(parent).copied().unwrap_or(parent);
            if let Some(own) = self.parents.get_mut(at) {
                *own = above;
            }
            at = above;
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        if let Some(parent) = self.parents.get_mut(one.max(other)) {
            *parent = one.min(other);
        }
    }
}

fn are_like(one: &BTreeSet<String>, other: &BTreeSet<String>) -> bool {
    let shared = one.intersection(other).count();
    let all = one.len().saturating_add(other.len()).saturating_sub(shared);
    shared.saturating_mul(100) >= all.saturating_mul(LIKE_PERCENT)
}

/// The words of a text, each once.
fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// A text as it is the same whatever its case, its space and its marks.
pub(super) fn plain(text: &str) -> String {
    let words = text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}
