//! Decides which pairs are learnt, and says of every other one why not.

use std::collections::BTreeMap;

use super::likeness::plain;
use super::report::{LeftOut, Reason};
use super::{Pair, tokens};
use crate::assistant::redaction;

/// How long a pair may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The answer, in characters: less teaches nothing.
    pub(crate) shortest_answer: usize,
    /// The whole example, in estimated tokens: endpoints cut off what is longer, and a model learns to stop in mid-sentence.
    pub(crate) most_tokens: usize,
}

/// What is learnt, in an order that depends on the pairs alone, and what is not.
pub(crate) fn select(mut pairs: Vec<Pair>, system: &str, bounds: Bounds) -> (Vec<Pair>, Vec<LeftOut>) {
    pairs.sort_by(|one, other| key(one).cmp(&key(other)));
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    let mut answered: BTreeMap<String, String> = BTreeMap::new();
    for pair in pairs {
        let refused = refusal(&pair, system, bounds).or_else(|| {
            let (question, answer) = (plain(&pair.question), plain(&pair.answer));
            match answered.get(&question) {
                Some(before) if *before == answer => Some(Reason::Duplicate),
                Some(_) => Some(Reason::AnsweredBefore),
                None => {
                    answered.insert(question, answer);
                    None
                }
            }
        });
        match refused {
            None => kept.push(pair),
            Some(reason) => left_out.push(LeftOut { from: pair.from, place: pair.place, reason }),
        }
    }
    (kept, left_out)
}

fn key(pair: &Pair) -> (super::Origin, &str, &str, &str) {
    (pair.origin, &pair.from, &pair.place, &pair.answer)
}

fn refusal(pair: &Pair, system: &str, bounds: Bounds) -> Option<Reason> {
    let tokens = [system, &pair.question, &pair.answer].map(tokens::estimate).into_iter().sum::<usize>();
    if redaction::holds_secret(&pair.question) || redaction::holds_secret(&pair.answer) {
        Some(Reason::Secret)
    } else if pair.question.is_empty() || pair.answer.chars().count() < bounds.shortest_answer {
        Some(Reason::TooShort)
    } else if tokens > bounds.most_tokens {
        Some(Reason::TooLong { tokens })
    } else {
        None
    }
}
