//! `POST /v1/ask?short=1`: an answer for a small face, a watch's: one short text and one place where it stands.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Told;
use crate::assistant::{Answer, Citation, Confidence, EventCitation, MadeBy, without_marks};
use crate::problem::Problem;

/// In characters.
const LONGEST: usize = 120;

const CUT: char = '…';

/// How an answer is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Form {
    /// `1`: at most 120 characters and one citation, whole, whatever is accepted.
    #[param(value_type = Option<u8>, minimum = 0, maximum = 1)]
    short: Option<String>,
}

impl Form {
    /// Whether a short answer is wanted.
    pub(super) fn is_short(&self) -> Result<bool, Problem> {
        match self.short.as_deref() {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(_) => Err(Problem::invalid("short", "may be 1 or 0")),
        }
    }
}

/// A short answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShortAnswer {
    /// That of the whole answer, by which it is rated.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// Whether an answer is supported by what it cites.
    known: bool,
    /// How sure it is.
    confidence: Confidence,
    /// At most 120 characters in whole words.
    #[schema(max_length = 120)]
    answer: Option<String>,
    /// Where it stands: one at most.
    #[schema(max_items = 1)]
    citations: Vec<Citation>,
    /// An event in its place, where no document is cited.
    #[schema(max_items = 1)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<EventCitation>,
    /// Whether the whole answer says more.
    more: bool,
    /// Who made it.
    made_by: MadeBy,
}

impl From<Told> for ShortAnswer {
    fn from(told: Told) -> Self {
        let Told { id, answer: Answer { known, confidence, short, answer, citations, events, made_by, .. } } = told;
        let whole = answer.as_deref().map(|answer| plain(answer).0);
        let said = short.as_deref().or(answer.as_deref()).map(plain);
        let first = said.as_ref().and_then(|(_, mark)| *mark).unwrap_or(1);
        let (answer, is_cut) = said.map(|(text, _)| cut(&text)).unzip();
        let more = is_cut.unwrap_or_default() || answer != whole;
        let events = events.into_iter().take(usize::from(citations.is_empty())).collect();
        let citations = citations.into_iter().skip(first.saturating_sub(1)).take(1).collect();
        Self { id, known, confidence, answer, citations, events, more, made_by }
    }
}

/// A text on one line and without its marks, and the number of the first citation that it names.
fn plain(text: &str) -> (String, Option<usize>) {
    let (text, mark) = without_marks(text);
    (text.split_whitespace().collect::<Vec<_>>().join(" "), mark)
}

/// As many whole words as there is room for, and whether that is not all. A word that has no room alone is cut itself.
fn cut(text: &str) -> (String, bool) {
    let Some((end, _)) = text.char_indices().nth(LONGEST) else { return (text.to_owned(), false) };
    let room = text.char_indices().nth(LONGEST.saturating_sub(1)).map_or(end, |(at, _)| at);
    let part = text.get(..room).unwrap_or_default();
    let is_whole = text.get(room..).is_some_and(|rest| rest.starts_with(' '));
    let words = if is_whole { part } else { part.rsplit_once(' ').map_or(part, |(words, _)| words) };
    let words =
        words.trim_end_matches(|character: char| !character.is_alphanumeric() && !")]}\"'»”".contains(character));
    (format!("{}{CUT}", if words.is_empty() { part } else { words }), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_behind_a_whole_word() {
        let sixty = "a".repeat(59) + " ";
        for (text, left, is_cut) in [
            ("Restart it.".to_owned(), "Restart it.".to_owned(), false),
            ("b".repeat(120), "b".repeat(120), false),
            (format!("{sixty}{}", "b".repeat(60)), format!("{sixty}{}", "b".repeat(60)), false),
            (format!("{sixty}{}", "b".repeat(61)), format!("{}…", sixty.trim()), true),
            (format!("{sixty}{} c", "b".repeat(59)), format!("{sixty}{}…", "b".repeat(59)), true),
            (format!("{}, {}", "a".repeat(50), "b".repeat(100)), format!("{}…", "a".repeat(50)), true),
            ("ü".repeat(130), format!("{}…", "ü".repeat(119)), true),
            (format!("{} b", "-".repeat(130)), format!("{}…", "-".repeat(119)), true),
        ] {
            assert_eq!(cut(&text), (left, is_cut), "{text}");
            assert!(cut(&text).0.chars().count() <= LONGEST);
        }
    }

    #[test]
    fn marks_are_left_out_and_the_first_one_says_what_is_cited() {
        assert_eq!(plain("Restart it [2].\nThen wait [1]."), ("Restart it. Then wait.".to_owned(), Some(2)));
        assert_eq!(plain("It is `a[1]` [e1][2]."), ("It is `a[1]`.".to_owned(), Some(2)));
        assert_eq!(plain("It is [x]."), ("It is [x].".to_owned(), None));
    }
}
