//! Parts pairs into what a model learns and what it is tried on. No question stands on both sides, and neither do two that are
//! almost the same or have almost the same answer: a model would be praised for what it has seen.
//!
//! The side depends on the group's own words, not on what else is there: the next export puts the same question on the same side.

use sha2::{Digest, Sha256};

use super::Pair;
use super::likeness::{Groups, plain};

/// The two sides.
#[derive(Debug, Default)]
pub(crate) struct Split {
    pub(crate) train: Vec<Pair>,
    pub(crate) validation: Vec<Pair>,
}

/// Puts about `share` of the pairs, from 0 to 1, into validation.
pub(crate) fn split(pairs: Vec<Pair>, share: f64) -> Split {
    let mut groups = Groups::apart(pairs.len());
    groups.join_like(pairs.iter().map(|pair| pair.topic.as_str()));
    groups.join_like(pairs.iter().map(|pair| pair.answer.as_str()));
    let members = groups.members();
    let mut is_validation = vec![false; pairs.len()];
    for group in members {
        let first = group.iter().filter_map(|at| pairs.get(*at)).map(|pair| plain(&pair.question)).min();
        let is_drawn = first.is_some_and(|question| f64::from(lot(&question)) < share * f64::from(u32::MAX));
        for at in group {
            if let Some(side) = is_validation.get_mut(at) {
                *side = is_drawn;
            }
        }
    }
    let mut split = Split::default();
    for (pair, is_validation) in pairs.into_iter().zip(is_validation) {
        if is_validation { split.validation.push(pair) } else { split.train.push(pair) }
    }
    split
}

/// A number that stands for a question, evenly spread.
fn lot(question: &str) -> u32 {
    Sha256::digest(question).first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}
