//! Words as a language has them: few that are in every sentence, and very many that are rare.

use measuring::random::Random;

/// The words that hold English sentences together make up almost half of a text.
const COMMON: [&str; 40] = [
    "the", "of", "and", "to", "a", "in", "is", "it", "that", "for", "on", "with", "as", "are", "be", "this", "by",
    "at", "from", "or", "an", "not", "which", "when", "its", "has", "have", "one", "all", "then", "after", "before",
    "only", "until", "than", "into", "each", "no", "must", "may",
];
const ONSETS: [&str; 24] = [
    "b", "br", "c", "cl", "d", "dr", "f", "fl", "g", "gr", "h", "l", "m", "n", "p", "pl", "r", "s", "st", "t", "tr",
    "v", "w", "sh",
];
const RHYMES: [&str; 20] = [
    "a", "an", "ar", "e", "el", "en", "er", "i", "il", "in", "is", "o", "ol", "on", "or", "u", "um", "un", "ut", "ast",
];
const ENDINGS: [&str; 12] = ["", "", "", "s", "ing", "ed", "er", "ers", "ation", "ly", "ment", "able"];

/// Words with content, the most frequent first.
pub(crate) struct Vocabulary {
    words: Vec<String>,
    /// The sum of all weights up to each word, by Zipf's law as Mandelbrot corrected it.
    up_to: Vec<f64>,
}

impl Vocabulary {
    pub(crate) fn new(count: usize) -> Vocabulary {
        let mut random = Random::seeded(7);
        let mut words = Vec::with_capacity(count);
        let mut seen = std::collections::HashSet::new();
        while words.len() < count {
            // Frequent words are short.
            let syllables = 1 + usize::from(words.len() > 200) + random.below(2) + usize::from(words.len() > 8_000);
            let mut word = String::new();
            for _ in 0..syllables {
                word.push_str(ONSETS[random.below(ONSETS.len())]);
                word.push_str(RHYMES[random.below(RHYMES.len())]);
            }
            word.push_str(ENDINGS[random.below(ENDINGS.len())]);
            if word.len() > 2 && !COMMON.contains(&word.as_str()) && seen.insert(word.clone()) {
                words.push(word);
            }
        }
        let mut sum = 0.0;
        let up_to = (0..count).map(|rank| {
            sum += 1.0 / (rank as f64 + 2.7);
            sum
        });
        Vocabulary { up_to: up_to.collect(), words }
    }

    /// A word by its frequency.
    pub(crate) fn any(&self, random: &mut Random) -> &str {
        let all = self.up_to.last().copied().unwrap_or_default();
        let at = random.below(1 << 30) as f64 / f64::from(1 << 30) * all;
        let place = self.up_to.partition_point(|sum| *sum <= at);
        &self.words[place.min(self.words.len() - 1)]
    }

    /// All of them, the most frequent first.
    pub(crate) fn most_frequent(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// A word that is not among the most frequent, such as a document is about.
    pub(crate) fn topic(&self, random: &mut Random) -> &str {
        &self.words[300 + random.below(self.words.len() - 300)]
    }
}

pub(crate) fn common(random: &mut Random) -> &'static str {
    // The first ones most often.
    COMMON[random.below(COMMON.len()).min(random.below(COMMON.len()))]
}
