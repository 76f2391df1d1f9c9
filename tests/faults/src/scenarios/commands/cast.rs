//! Who plays, and how fast.

use std::time::Duration;

use crate::scenarios::posting::AGAIN_AFTER;

/// Who carries out what `service-agent` is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenarios) enum Library {
    /// An agent of this process.
    Here,
    /// Processes of their own, which somebody else starts.
    Elsewhere,
}

/// Everybody who has to do with commands.
#[derive(Clone, Copy, Debug)]
pub(in crate::scenarios) struct Cast {
    /// How many replicas are asked in turn; none where Traefik chooses.
    pub(in crate::scenarios) in_turn: usize,
    /// How many replicas must tell the same in the end.
    pub(in crate::scenarios) replicas: usize,
    pub(in crate::scenarios) requesters: u64,
    /// Between two requests of one person at most.
    pub(in crate::scenarios) pause_millis: u64,
    /// Between two looks at what waits for a decision.
    pub(in crate::scenarios) look_every: Duration,
    /// After no answer.
    pub(in crate::scenarios) again_after: Duration,
    /// Of a hundred commands for either service so many are for the one with the library.
    pub(in crate::scenarios) by_library_of_hundred: u64,
    pub(in crate::scenarios) library: Library,
    /// Whether services may die of what takes a minute to be tried again.
    pub(in crate::scenarios) is_long: bool,
}

impl Cast {
    /// As fast as they can, at one replica after the other.
    pub(in crate::scenarios) fn of(replicas: usize, is_long: bool) -> Self {
        Self {
            in_turn: replicas,
            replicas,
            requesters: 4,
            pause_millis: 500,
            look_every: AGAIN_AFTER,
            again_after: AGAIN_AFTER,
            by_library_of_hundred: 33,
            library: Library::Here,
            is_long,
        }
    }
}
