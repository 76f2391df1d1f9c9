//! What arrives, in the order in which it does.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use diagnosis::Millis;
use diagnosis::batch::Batch;

use crate::expectation::Expectation;
use crate::lab::Device;
use crate::millis;
use crate::run::Run;

/// A batch that arrives.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// When, in milliseconds since 1970.
    pub at: Millis,
    /// What.
    pub batch: Batch,
}

/// All that arrives. What a device has not told yet is not there yet, so that memory stays small.
pub struct Trace {
    start: Millis,
    ends: Millis,
    devices: Vec<Device>,
    expectation: Expectation,
    runs: Vec<Run>,
    under_way: BinaryHeap<UnderWay>,
    made: u64,
}

/// Ordered by when it arrives, the earliest greatest; what was made first among those that arrive together.
struct UnderWay(Reverse<(Millis, u64)>, Batch);

impl Trace {
    pub(crate) fn new(
        start: Millis,
        ends: Millis,
        devices: Vec<Device>,
        expectation: Expectation,
        runs: Vec<Run>,
    ) -> Self {
        Self { start, ends, devices, expectation, runs, under_way: BinaryHeap::new(), made: 0 }
    }

    /// When it begins.
    pub fn starts_at(&self) -> Millis {
        self.start
    }

    /// When the last device has ended its session, or would have, had it not fallen silent.
    pub fn ends_at(&self) -> Millis {
        self.ends
    }

    /// The lab, with the traits that each console had when the trace began.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// What is to be raised, and nothing else.
    pub fn expectation(&self) -> &Expectation {
        &self.expectation
    }

    /// What one device tells, as it leaves it: all of it, in order. Nothing where there is no such device.
    pub fn of_device(self, name: &str) -> impl Iterator<Item = Batch> + Send + use<> {
        let mut run = self.runs.into_iter().find(|run| run.is_of(name));
        std::iter::from_fn(move || {
            let run = run.as_mut().filter(|run| run.clock().is_finite())?;
            Some(run.tell().0)
        })
        .flatten()
    }

    /// The batches alone.
    pub fn batches(self) -> impl Iterator<Item = Batch> {
        self.map(|arrival| arrival.batch)
    }
}

impl Iterator for Trace {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        loop {
            let slowest = self.runs.iter_mut().min_by(|one, other| one.clock().total_cmp(&other.clock()))?;
            let told = self.start.saturating_add(millis(slowest.clock()));
            let is_due = self.under_way.peek().is_some_and(|UnderWay(Reverse((at, _)), _)| *at < told);
            if is_due || slowest.clock().is_infinite() {
                return self.under_way.pop().map(|UnderWay(Reverse((at, _)), batch)| Arrival { at, batch });
            }
            for (at, batch) in slowest.flush() {
                self.made = self.made.saturating_add(1);
                let at = self.start.saturating_add(millis(at));
                self.under_way.push(UnderWay(Reverse((at, self.made)), batch));
            }
        }
    }
}

impl PartialEq for UnderWay {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for UnderWay {}

impl PartialOrd for UnderWay {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UnderWay {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
