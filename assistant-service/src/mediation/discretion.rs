//! What a model says is held against what its readers may know: a model that remembers other conversations, or a server that mixes
//! them up, must not tell one side what the other has said in private.
//!
//! An answer is not told when it has a word that the other side has used in private and that stands in nothing its readers may read.
//! It goes as a whole: if sentences went one by one, whoever has a model write one for each word would read from what is left which
//! words the other side has used. Innocent answers go too, and there is the form. What is translated or paraphrased is not found: that
//! the prompts of the two sides share nothing is the first fence, this is the second.

use std::collections::HashSet;

use super::record::{Record, Side};

/// Words that say nothing by themselves, or that restating uses always; what an apostrophe leaves of some stands among them.
const PLAIN: &str = "a about above across after again against all almost along already also although always am among an and another \
    any anybody anyone anything are aren around as at away back be became because become becomes been before being \
    below besides between beyond both but by can cannot come could couldn d day days did didn do does doesn doing \
    don done down during each either else enough even ever every everybody everyone everything far feel feels felt \
    few find first for from further get gets give go going good had hadn happen happened hardly has hasn have haven \
    having he help hence her here hers herself him himself his how however i if in indeed inside instead into is isn \
    it its itself just keep know last later less let like likely ll m made make many matter may maybe me mean \
    meanwhile might mightn mine more most much must mustn my myself near need needed needs neither never new next no \
    nobody none nor not nothing now of off offer often on once one only onto open or other others otherwise ought \
    our ourselves out outside over own party people perhaps person point put quite rather re really s said same say \
    says second see seem seems seen several shall share shared she should shouldn side simply since so some somebody \
    somehow someone something sometimes somewhere soon still such t take talk tell than that the their theirs them \
    themselves then there these they thing things think this those though through throughout thus till time to \
    together too toward towards two under understand unless until up upon us usually ve very view want wants was \
    wasn way we well were weren what whatever when whenever where whereas wherever whether which whichever while who \
    whoever whole whom whose why will with within without won work works would wouldn yes yet you your yours \
    yourself";

/// Shorter words are found too often within others when spaces do not count.
const SHORTEST_HIDDEN: usize = 6;

/// Words that begin alike for so long, and differ at their ends alone, are forms of one.
const STEM: usize = 5;
const LONGEST_ENDING: usize = 3;

/// What may not be told to somebody.
pub(super) struct Discretion {
    /// Words that the other side alone has used.
    private: HashSet<String>,
    private_forms: HashSet<String>,
    known_forms: HashSet<String>,
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
        let known = known.collect::<Vec<_>>().join("\n");
        let plain = PLAIN.split_whitespace().map(str::to_owned);
        let known_forms = words(&known).chain(plain).flat_map(forms).collect();
        let private: HashSet<String> =
            private.flat_map(words).filter(|word| !has_form_in(word, &known_forms)).collect();
        let private_forms = private.iter().cloned().flat_map(forms).collect();
        Self { private, private_forms, known_forms, known_run_together: run_together(&known) }
    }

    /// Whether a text tells what its reader may not know: in a word, or in letters that are spread over several.
    pub(super) fn is_broken_by(&self, text: &str) -> bool {
        let is_told = |word: String| !has_form_in(&word, &self.known_forms) && has_form_in(&word, &self.private_forms);
        let together = run_together(text);
        // Thousands of words are looked for in thousands of letters: few of them begin anywhere.
        let beginnings: HashSet<&str> = stretches(&together).collect();
        let is_hidden = |word: &String| {
            stretches(word).next().is_some_and(|beginning| beginnings.contains(beginning))
                && together.contains(word.as_str())
                && !self.known_run_together.contains(word.as_str())
        };
        words(text).any(is_told) || self.private.iter().any(is_hidden)
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

/// Every stretch of a text that is as long as the shortest word which counts as hidden.
fn stretches(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.char_indices().map(|(at, _)| at);
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]).skip(SHORTEST_HIDDEN);
    starts.zip(ends).filter_map(|(start, end)| text.get(start..end))
}

/// Two words are forms of one if they share one of these: the word itself, and what is left of it without an ending.
fn forms(word: String) -> impl Iterator<Item = String> {
    let ends: Vec<usize> = word.char_indices().map(|(at, _)| at).skip(STEM).collect();
    let stems = ends.into_iter().rev().take(LONGEST_ENDING);
    let stems: Vec<String> = stems.filter_map(|end| word.get(..end)).map(str::to_owned).collect();
    stems.into_iter().chain([word])
}

fn has_form_in(word: &str, forms_of_all: &HashSet<String>) -> bool {
    forms(word.to_owned()).any(|form| forms_of_all.contains(&form))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_broken(known: &str, private: &str, said: &str) -> bool {
        Discretion::of([known].into_iter(), [private].into_iter()).is_broken_by(said)
    }

    #[test]
    fn an_answer_goes_that_has_a_word_only_the_other_side_has_said() {
        let known = "The release came late and I was tired.";
        let private = "I was sick, my doctor is Dr. Okafor, and I am looking for another job since 3 weeks.";
        for (said, goes) in [
            ("The release was late. That made me tired.", false),
            ("At four they went to a doctor. That made me tired.", true),
            ("They were sick.", true),
            ("It is OKAFOR.", true),
            ("They look for another job.", true),
            ("I was tired for 3 days.", true),
            ("The releases are late.", false),
            ("They see d.o.c.t.o.r people.", true),
            ("I was tired. The d-o-c-t-o-r knows.", true),
            ("I was tired.\nDoc.\nTor.", true),
        ] {
            assert_eq!(is_broken(known, private, said), goes, "{said}");
        }
    }

    #[test]
    fn words_that_differ_at_their_ends_are_forms_of_one() {
        for (one, other, are_forms) in [
            ("doctor", "doctors", true),
            ("doctorate", "doctor", true),
            ("releasing", "released", true),
            ("doctorates", "doctor", false),
            ("look", "looked", false),
            ("release", "relegate", false),
            ("käsereien", "käserei", true),
        ] {
            for (one, other) in [(one, other), (other, one)] {
                assert_eq!(has_form_in(one, &forms(other.to_owned()).collect()), are_forms, "{one} {other}");
            }
        }
    }

    #[test]
    fn what_the_reader_may_know_is_told() {
        assert!(!is_broken("my doctor", "my doctor", "The doctor."));
        assert!(!is_broken("", "", "Anything at all."));
        assert!(!is_broken(
            "",
            "I don't sleep, and they've said that we'll see.",
            "I'm sure that we don't; they've time, we'll see."
        ));
    }
}
