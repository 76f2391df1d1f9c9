//! How long everything took, by what it was and by what went on meanwhile; and what had no answer. Counts in steps of two per cent, so
//! that a long run takes no more memory than a short one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use time::OffsetDateTime;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// From when an event is due until it is acknowledged.
    Event,
    /// From when an event is due until somebody's tail shows it.
    Tail,
    /// From a question until its answer.
    Ask,
    /// From a request for a command until it is acknowledged.
    Command,
    /// From a decision until it counts.
    Decision,
    /// From when a command may begin until a service has it, by the log.
    HandOut,
    /// From a word of a service about its command until that is heard.
    Word,
    /// A list of what waits, which is asked for again and again: only what fails is of interest.
    Look,
    /// The same of leases.
    Lease,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Tail => "tail",
            Self::Ask => "ask",
            Self::Command => "command",
            Self::Decision => "decision",
            Self::HandOut => "hand_out",
            Self::Word => "word",
            Self::Look => "look",
            Self::Lease => "lease",
        }
    }
}

/// What goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Nothing is judged yet.
    #[default]
    WarmUp,
    /// Nothing is done to anybody, and nothing was updated yet.
    Before,
    /// Somebody is killed or stopped, or has just come back.
    Faults,
    /// Replicas are updated.
    Update,
    /// Nothing is done to anybody, and all are updated.
    After,
}

impl Phase {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WarmUp => "warm_up",
            Self::Before => "before",
            Self::Faults => "faults",
            Self::Update => "update",
            Self::After => "after",
        }
    }
}

/// Everybody's times.
#[derive(Debug, Default)]
pub(crate) struct Times(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    phase: Phase,
    changes: Vec<(OffsetDateTime, Phase)>,
    spans: BTreeMap<(Kind, Phase), Spans>,
    unanswered: BTreeMap<(Kind, Phase), BTreeMap<String, u64>>,
}

impl Times {
    /// From now on this goes on.
    pub(crate) fn enter(&self, phase: Phase, now: OffsetDateTime) {
        let mut book = self.book();
        book.phase = phase;
        book.changes.push((now, phase));
    }

    /// It took from then until now.
    pub(crate) fn took(&self, kind: Kind, since: Instant) {
        self.took_now(kind, since.elapsed());
    }

    /// It took so long, and ends now.
    pub(crate) fn took_now(&self, kind: Kind, span: Duration) {
        let mut book = self.book();
        let phase = book.phase;
        book.spans.entry((kind, phase)).or_default().put(span);
    }

    /// It took so long, and ended then.
    pub(crate) fn took_until(&self, kind: Kind, span: Duration, then: OffsetDateTime) {
        let mut book = self.book();
        let phase = book.phase_at(then);
        book.spans.entry((kind, phase)).or_default().put(span);
    }

    /// It had no answer that promises anything, and is tried again.
    pub(crate) fn unanswered(&self, kind: Kind, why: &str) {
        let mut book = self.book();
        let phase = book.phase;
        *book.unanswered.entry((kind, phase)).or_default().entry(why.to_owned()).or_default() += 1;
    }

    /// The same of one that was told by somebody else.
    pub(crate) fn unanswered_at(&self, kind: Kind, why: &str, then: OffsetDateTime) {
        let mut book = self.book();
        let phase = book.phase_at(then);
        *book.unanswered.entry((kind, phase)).or_default().entry(why.to_owned()).or_default() += 1;
    }

    pub(crate) fn spans(&self) -> BTreeMap<(Kind, Phase), Spans> {
        self.book().spans.clone()
    }

    /// Why how many tries of each kind had none.
    pub(crate) fn all_unanswered(&self) -> BTreeMap<(Kind, Phase), BTreeMap<String, u64>> {
        self.book().unanswered.clone()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn phase_at(&self, then: OffsetDateTime) -> Phase {
        let before = self.changes.iter().rev().find(|(since, _)| *since <= then);
        before.map(|(_, phase)| *phase).unwrap_or_default()
    }
}

/// From one step to the next.
const STEP: f64 = 1.02;

/// Many times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    /// How many took less than 1.02 µs to the power of so much, and not less than one step below.
    steps: BTreeMap<u32, u64>,
    count: u64,
}

impl Spans {
    fn put(&mut self, span: Duration) {
        let step = (span.as_secs_f64() * 1e6).max(1.0).log(STEP).floor() as u32;
        *self.steps.entry(step + 1).or_default() += 1;
        self.count += 1;
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// In milliseconds: that many are below it, to the next step.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let wanted = ((share * self.count as f64).ceil() as u64).max(1);
        let mut below = 0;
        let step = self.steps.iter().find(|(_, count)| {
            below += **count;
            below >= wanted
        });
        step.map_or(f64::NAN, |(step, _)| STEP.powi(i32::try_from(*step).unwrap_or(i32::MAX)) / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_at_most_a_step_above_what_it_stands_for() {
        let mut spans = Spans::default();
        for millis in 1..=1000 {
            spans.put(Duration::from_millis(millis));
        }
        for (share, exact) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let told = spans.quantile(share);
            assert!(told >= exact && told <= exact * 1.021, "{share}: {told} for {exact}");
        }
    }

    #[test]
    fn what_ended_counts_for_what_went_on_then() {
        let times = Times::default();
        let at = |second| OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(second);
        times.enter(Phase::Before, at(10));
        times.enter(Phase::Update, at(20));
        for second in [5, 10, 19, 20] {
            times.took_until(Kind::HandOut, Duration::from_millis(3), at(second));
        }
        let counts = |phase| times.spans().get(&(Kind::HandOut, phase)).map_or(0, Spans::count);
        assert_eq!([Phase::WarmUp, Phase::Before, Phase::Update].map(counts), [1, 2, 1]);
    }
}
