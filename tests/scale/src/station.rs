//! Where work is done: so many servers who take whoever came first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A moment or a span in seconds, to be put in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seconds(pub(crate) f64);

impl Eq for Seconds {}

impl PartialOrd for Seconds {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Seconds {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Cores of a host, a disk, a thread. Whoever comes is told when he will be done, so that nobody needs to be kept in a queue; it must be
/// asked in the order in which they come.
#[derive(Clone, Debug)]
pub(crate) struct Station {
    free_at: BinaryHeap<Reverse<Seconds>>,
    servers: usize,
    busy: f64,
}

impl Station {
    pub(crate) fn new(servers: usize) -> Self {
        Self { free_at: (0..servers).map(|_| Reverse(Seconds(0.0))).collect(), servers, busy: 0.0 }
    }

    /// When work is done that came at `now` and takes so long.
    pub(crate) fn done_at(&mut self, now: f64, takes: f64) -> f64 {
        let free_at = self.free_at.pop().map_or(now, |Reverse(Seconds(free))| free);
        let done = free_at.max(now) + takes;
        self.free_at.push(Reverse(Seconds(done)));
        self.busy += takes;
        done
    }

    /// The share of its time that it was at work.
    pub(crate) fn utilisation(&self, seconds: f64) -> f64 {
        self.busy / (seconds * self.servers as f64)
    }
}

#[cfg(test)]
mod tests;
