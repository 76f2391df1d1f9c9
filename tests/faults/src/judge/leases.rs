//! Holds what was handed out against what was said of it. Each fetch of a consumer has a fence above all before it, so fences tell what
//! came first although nobody sees in which order answers were on their way.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::{Stored, find};
use crate::lease::{ACK_WAIT, AT_ONCE, HandOut, Lease, LeaseLine};
use crate::operation::Operation;
use crate::verdict::{Leases, Verdict};
use crate::witness::Witness;

/// What a consumer says of itself when everybody has said his last word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) held: u64,
    pub(crate) waiting: u64,
    pub(crate) lag: u64,
}

/// What happened to one event.
#[derive(Debug, Default)]
struct Course {
    /// By attempt.
    hand_outs: BTreeMap<u64, HandOut>,
    /// That it is done, by fence.
    words: BTreeMap<u64, Word>,
}

/// What a holder was answered.
#[derive(Clone, Copy, Debug, Default)]
struct Word {
    taken: u64,
    stale: u64,
    /// Some try of it has no answer: it may have counted.
    is_in_doubt: bool,
    is_open: bool,
}

impl Course {
    fn last_fence(&self) -> u64 {
        self.hand_outs.values().map(|hand_out| hand_out.lease.fence).max().unwrap_or_default()
    }

    fn first_fence(&self) -> u64 {
        self.hand_outs.values().map(|hand_out| hand_out.lease.fence).min().unwrap_or_default()
    }
}

/// Judges a consumer that was handed all that is stored.
pub(crate) fn judge_leases(stored: &Stored, witness: &Witness, left: Left, verdict: &mut Verdict) -> Result<()> {
    let mut leases = Leases::default();
    let mut courses = courses(witness, &mut leases, verdict);
    if left != Left::default() {
        verdict.violate(format!("the consumer is not done: {left:?}"));
    }
    // What is wrong with the events themselves is told by whoever judges those.
    let found = find(stored, &mut Verdict::default())?;
    let mut before: Option<(Operation, u64)> = None;
    for (operation, there) in found {
        for position in there.parts.into_values() {
            let course = courses.remove(&position).unwrap_or_default();
            one(operation, &course, &mut leases, verdict);
            let is_same_subject = before.is_some_and(|(earlier, _)| earlier.writer == operation.writer);
            if let Some((earlier, fence)) = before.filter(|_| is_same_subject)
                && !course.hand_outs.is_empty()
                && course.first_fence() <= fence
            {
                leases.out_of_order += 1;
                verdict.violate(format!("{operation:?} was handed out before {earlier:?} was done"));
            }
            before = Some((operation, course.last_fence()));
        }
    }
    for position in courses.into_keys() {
        verdict.never_asked_for += 1;
        verdict.violate(format!("what was handed out at {position} is not stored"));
    }
    verdict.leases = Some(leases);
    Ok(())
}

/// What happened to each event, by position.
fn courses(witness: &Witness, leases: &mut Leases, verdict: &mut Verdict) -> BTreeMap<u64, Course> {
    let mut courses: BTreeMap<u64, Course> = BTreeMap::new();
    let (mut asking, mut holding) = (BTreeSet::new(), BTreeMap::<u32, BTreeSet<Lease>>::new());
    let mut unanswered = 0;
    for (holder, line) in &witness.leases {
        match line {
            LeaseLine::Asked => unanswered += u64::from(!asking.insert(holder)),
            LeaseLine::Heard => drop(asking.remove(holder)),
            LeaseLine::Handed(hand_out) => {
                leases.taken += 1;
                leases.handed_out_again += u64::from(hand_out.attempt > 1);
                holding.entry(*holder).or_default().insert(hand_out.lease);
                let course = courses.entry(hand_out.lease.position).or_default();
                if let Some(first) = course.hand_outs.insert(hand_out.attempt, *hand_out) {
                    verdict.violate(format!("one attempt was handed out twice: {first:?}, {hand_out:?}"));
                }
            }
            LeaseLine::Acking(lease) => {
                let word = word(&mut courses, *lease);
                word.is_in_doubt |= word.is_open;
                word.is_open = true;
            }
            LeaseLine::Taken(lease) | LeaseLine::Stale(lease) => {
                holding.entry(*holder).or_default().remove(lease);
                let word = word(&mut courses, *lease);
                let answers = if matches!(line, LeaseLine::Taken(_)) { &mut word.taken } else { &mut word.stale };
                *answers += 1;
                word.is_open = false;
            }
            LeaseLine::Killed | LeaseLine::Silent => {
                leases.died += 1;
                leases.died_holding += holding.get(holder).map_or(0, BTreeSet::len) as u64;
            }
        }
    }
    unanswered += asking.len() as u64;
    leases.unheard = courses.values().map(unheard).sum();
    if leases.unheard > unanswered * AT_ONCE {
        let unheard = leases.unheard;
        verdict.violate(format!("{unheard} hand-outs reached nobody, and {unanswered} questions were not answered"));
    }
    courses
}

fn word(courses: &mut BTreeMap<u64, Course>, lease: Lease) -> &mut Word {
    courses.entry(lease.position).or_default().words.entry(lease.fence).or_default()
}

/// Attempts before the last one that nobody has seen.
fn unheard(course: &Course) -> u64 {
    let last = course.hand_outs.keys().next_back().copied().unwrap_or_default();
    last.saturating_sub(course.hand_outs.len() as u64)
}

/// One event: handed out until somebody said that it is done, and no further.
fn one(operation: Operation, course: &Course, leases: &mut Leases, verdict: &mut Verdict) {
    follow_each_other(operation, course, leases, verdict);
    let last = course.last_fence();
    let (mut taken, mut is_in_doubt) = (0, false);
    for (fence, word) in &course.words {
        taken += word.taken;
        if *fence < last {
            leases.refused_late += word.stale;
            if word.taken > 0 {
                verdict.violate(format!("{operation:?} was done under fence {fence} and handed out under {last}"));
            }
            continue;
        }
        is_in_doubt = word.is_in_doubt || word.is_open;
        if word.stale > 0 && word.taken == 0 && !is_in_doubt {
            leases.lost += 1;
            verdict.violate(format!("{operation:?} was taken from its holder, and nobody was handed it after that"));
        }
    }
    if taken > 1 {
        leases.twice += 1;
        verdict.violate(format!("{operation:?} was done {taken} times"));
    } else if taken == 0 && is_in_doubt {
        leases.in_doubt += 1;
    } else if taken == 0 {
        leases.lost += 1;
        verdict.violate(format!("nobody was told that {operation:?} is done; it was last handed out under {last}"));
    }
}

/// Each hand-out has a fence above the one before, and comes when that one's time is over.
fn follow_each_other(operation: Operation, course: &Course, leases: &mut Leases, verdict: &mut Verdict) {
    let ack_wait = ACK_WAIT.as_millis();
    for hand_out in course.hand_outs.values().filter(|hand_out| hand_out.operation != operation) {
        verdict.violate(format!("{operation:?} was handed out as {hand_out:?}"));
    }
    for (one, next) in course.hand_outs.values().zip(course.hand_outs.values().skip(1)) {
        if next.lease.fence <= one.lease.fence {
            verdict
                .violate(format!("{operation:?} was handed out under a fence that does not grow: {one:?}, {next:?}"));
        }
        if u128::from(next.heard_millis.saturating_sub(one.asked_millis)) < ack_wait {
            leases.early += 1;
            verdict.violate(format!("{operation:?} was taken from its holder too early: {one:?}, {next:?}"));
        }
    }
}

#[cfg(test)]
mod tests;
