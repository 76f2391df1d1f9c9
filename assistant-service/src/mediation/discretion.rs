//! What a model says is held against what its readers may know: a model that remembers other conversations, or a server that mixes
//! them up, must not tell one side what the other has said in private.
//!
//! A sentence goes when it has a word that the other side has used in private and that stands in nothing its readers may read. That
//! takes innocent sentences too, and a restatement can do without them. What is translated or paraphrased is not found: that
//! the prompts of the two sides share nothing is the first fence, this is the second.

use std::collections::HashSet;

use super::record::{Record, Side};
use crate::knowledge::sentences;

/// Words that say nothing by themselves, or that restating uses always.
const PLAIN: &str = "a about after again all also always am an and another any are as at back be because been before being between both \
    but by can cannot come could day days did do does doing done each else even every feel feels felt few find first for from \
    get gets give go going good had happen happened has have having he help her here hers him his how i if in into is it its just keep \
    know last less let like made make many matter may me mean might mine more most much must my need needed needs never new next no nor \
    not nothing now of off offer often on once one only open or other others our out over own party people person point put really \
    said same say says second see seen share shared she should side since so some something still such take talk tell than that the \
    their them then there these they thing things think this those time to together too two under understand until up us very view want \
    wants was way we well were what when where which while who why will with within without work works would yes yet you your";

/// Shorter words are found too often within others when spaces do not count.
const SHORTEST_HIDDEN: usize = 6;

/// Words that begin alike for so long, and differ at their ends alone, are forms of one.
const STEM: usize = 5;
const LONGEST_ENDING: usize = 3;

/// What may not be told to somebody.
pub(super) struct Discretion {
    telling: HashSet<String>,
    known: HashSet<String>,
    known_run_together: String,
}

impl Discretion {
    /// For what `reader` is to read of `record`, who has just said `own` as well.
    pub(super) fn towards(reader: Side, record: &Record, own: &str) -> Self {
        let (reading, other) = (record.party(reader), record.party(reader.other()));
        let known = reading.private_words().chain([own]).chain(public_words(record));
        Self::of(known, other.private_words())
    }

    /// For what both are to read.
    pub(super) fn towards_both(record: &Record) -> Self {
        Self::of(public_words(record), record.first.private_words().chain(record.second.private_words()))
    }

    fn of<'a>(known: impl Iterator<Item = &'a str>, private: impl Iterator<Item = &'a str>) -> Self {
        let known_text = known.collect::<Vec<_>>().join("\n");
        let mut known: HashSet<String> = words(&known_text).collect();
        known.extend(PLAIN.split_whitespace().map(str::to_owned));
        let telling = private.flat_map(words).filter(|word| !is_in(word, &known)).collect();
        Self { telling, known, known_run_together: run_together(&known_text) }
    }

    /// The sentences that tell nothing; nothing at all where words are hidden across them.
    pub(super) fn keep(&self, text: &str) -> Option<String> {
        let lines = text.lines().map(|line| self.keep_of_line(line)).collect::<Vec<_>>();
        let kept = lines.join("\n").trim().to_owned();
        let hidden = run_together(&kept);
        let is_hidden = |word: &String| {
            word.chars().count() >= SHORTEST_HIDDEN
                && hidden.contains(word.as_str())
                && !self.known_run_together.contains(word.as_str())
        };
        (!kept.is_empty() && !self.telling.iter().any(is_hidden)).then_some(kept)
    }

    fn keep_of_line(&self, line: &str) -> String {
        let ranges = sentences(line, &(0..line.len())).into_iter();
        let kept = ranges.filter_map(|range| line.get(range)).filter(|sentence| !self.tells(sentence));
        kept.collect::<Vec<_>>().join(" ")
    }

    fn tells(&self, sentence: &str) -> bool {
        words(sentence).any(|word| !is_in(&word, &self.known) && is_in(&word, &self.telling))
    }
}

/// What both may read already.
fn public_words(record: &Record) -> impl Iterator<Item = &str> {
    let shared = record.shared_by_both().into_iter().flat_map(|(first, second)| [first, second]);
    let agreement = record.agreement.iter().map(|agreement| agreement.text.as_str());
    shared.chain(agreement).chain([record.topic.as_str()])
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn run_together(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_in(word: &str, all: &HashSet<String>) -> bool {
    all.contains(word) || all.iter().any(|other| are_forms_of_one(word, other))
}

fn are_forms_of_one(one: &str, other: &str) -> bool {
    let alike = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let ending = |word: &str| word.chars().count().saturating_sub(alike);
    alike >= STEM && ending(one) <= LONGEST_ENDING && ending(other) <= LONGEST_ENDING
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(known: &str, private: &str, said: &str) -> Option<String> {
        Discretion::of([known].into_iter(), [private].into_iter()).keep(said)
    }

    #[test]
    fn a_sentence_goes_that_has_a_word_only_the_other_side_has_said() {
        let known = "The release came late and I was tired.";
        let private = "I was sick, my doctor is Dr. Okafor, and I am looking for another job since 3 weeks.";
        for (said, left) in [
            ("The release was late. That made me tired.", Some("The release was late. That made me tired.")),
            ("At four they went to a doctor. That made me tired.", Some("That made me tired.")),
            ("They were sick.", None),
            ("It is OKAFOR.", None),
            ("They look for another job.", None),
            ("I was tired for 3 days.", None),
            ("The releases are late.", Some("The releases are late.")),
            ("They see d.o.c.t.o.r people.", None),
            ("I was tired. The d-o-c-t-o-r knows.", None),
        ] {
            assert_eq!(kept(known, private, said).as_deref(), left, "{said}");
        }
    }

    #[test]
    fn what_the_reader_may_know_is_told() {
        assert_eq!(kept("my doctor", "my doctor", "The doctor.").as_deref(), Some("The doctor."));
        assert_eq!(kept("", "", "Anything at all.").as_deref(), Some("Anything at all."));
        assert_eq!(kept("", "", " \n "), None);
    }
}
