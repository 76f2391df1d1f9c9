//! Pairs made of what people said of answers: answers that helped, and what should have been said in the place of others.
//!
//! A rating is only taken where the event of its answer says that it cites nothing that is not for everybody: words of one's own
//! for what a restricted document says are recognised by nothing else.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::report::{LeftOut, Reason};
use super::{Origin, Pair};
use crate::assistant::ask::ANSWERED;
use crate::knowledge::ClosedPassages;
use crate::ratings::{RATED, RatingBody};

/// As much of an event as says what was rated by whom.
#[derive(Debug, Deserialize)]
struct Rated {
    #[serde(rename = "type")]
    event_type: String,
    subject: Option<String>,
    authid: Option<String>,
    data: Option<Value>,
}

/// As much of an answer's event as says what it rests on.
#[derive(Debug, Deserialize)]
struct Answered {
    answer_id: String,
    withheld_citations: u64,
}

/// Ratings as they came, the newest of each caller for each answer.
#[derive(Debug, Default)]
pub(crate) struct Ratings {
    newest: BTreeMap<(String, String), RatingBody>,
    /// How many restricted citations each answer has.
    withheld_citations: BTreeMap<String, u64>,
    read: usize,
    not_understood: usize,
}

impl Ratings {
    /// Takes the next event, in the order of the log. Events of other types are passed over.
    pub(crate) fn take(&mut self, event: &str) {
        let rated = serde_json::from_str::<Rated>(event).ok();
        match rated.as_ref().map(|rated| rated.event_type.as_str()) {
            Some(RATED) | None => self.take_rating(rated),
            Some(ANSWERED) => self.take_answer(rated),
            Some(_) => {}
        }
    }

    /// One that does not say how many citations are withheld is as good as none.
    fn take_answer(&mut self, event: Option<Rated>) {
        let data = event.and_then(|event| event.data);
        if let Some(answered) = data.and_then(|data| serde_json::from_value::<Answered>(data).ok()) {
            let withheld = self.withheld_citations.entry(answered.answer_id).or_default();
            *withheld = answered.withheld_citations.max(*withheld);
        }
    }

    fn take_rating(&mut self, rated: Option<Rated>) {
        let rated = rated.and_then(|rated| {
            let body = serde_json::from_value::<RatingBody>(rated.data?).ok()?;
            Some(((rated.subject?, rated.authid?), body))
        });
        match rated {
            Some((of, body)) => {
                self.read = self.read.saturating_add(1);
                self.newest.insert(of, body);
            }
            None => self.not_understood = self.not_understood.saturating_add(1),
        }
    }

    /// How many ratings came, with those that later ones took the place of.
    pub(crate) fn read(&self) -> usize {
        self.read
    }

    /// How many lines or events were none.
    pub(crate) fn not_understood(&self) -> usize {
        self.not_understood
    }

    /// The pairs, and the ratings that make none. Who rated stands in neither.
    pub(crate) fn pairs(self, closed: &ClosedPassages) -> (Vec<Pair>, Vec<LeftOut>) {
        let (mut pairs, mut left_out) = (Vec::new(), Vec::new());
        for ((answer, _), body) in self.newest {
            let withheld_citations = self.withheld_citations.get(&answer).copied();
            match pair(&answer, body, withheld_citations, closed) {
                Ok(pair) => pairs.push(pair),
                Err(reason) => {
                    left_out.push(LeftOut { from: format!("answer {answer}"), place: String::new(), reason })
                }
            }
        }
        (pairs, left_out)
    }
}

fn pair(id: &str, body: RatingBody, withheld_citations: Option<u64>, closed: &ClosedPassages) -> Result<Pair, Reason> {
    let question = body.question.ok_or(Reason::NoText)?;
    let (answer, origin) = match (body.correction, body.answer, body.helpful) {
        (Some(correction), ..) => (correction, Origin::Correction),
        (None, Some(answer), true) => (answer, Origin::HelpfulAnswer),
        (None, None, true) => return Err(Reason::NoText),
        (None, _, false) => return Err(Reason::NotHelpful),
    };
    match withheld_citations {
        Some(0) => {}
        Some(_) => return Err(Reason::RestsOnRestricted),
        None => return Err(Reason::SourcesUnknown),
    }
    if closed.are_quoted_in(&question) || closed.are_quoted_in(&answer) {
        return Err(Reason::QuotesRestricted);
    }
    let (question, answer) = (question.trim().to_owned(), answer.trim().to_owned());
    let from = format!("answer {id}");
    Ok(Pair { topic: question.clone(), question, answer, origin, from, place: String::new() })
}
