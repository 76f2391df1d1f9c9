//! Named consumers: a place in the log that outlives whoever reads from it. Several holders under one name share the work; what one
//! of them takes is his until he acknowledges it, gives it back, or falls silent, and then it is handed out again.
//!
//! A consumer is one entry of the backbone, changed by compare-and-set: every replica may hand out and settle, each event has one
//! holder at a time, and a holder who was believed dead cannot settle over the one who came after.

mod announce;
mod book;
mod deliveries;
mod fetch;
mod giving_up;
mod measure;
mod names;
mod record;
pub(crate) mod routes;
mod settings;
mod settle;
mod take_back;

pub use book::Consumers;
pub(crate) use fetch::Fetched;
pub(crate) use settings::Settings;
pub(crate) use settle::{Settled, Settlement};

/// As many of one owner: a consumer is a place in the log, not one for each message or user.
pub(crate) const MAX_CONSUMERS_OF_ONE: usize = 32;

/// As many in all: their names are one entry, and each is looked after.
pub(crate) const MAX_CONSUMERS: usize = 1000;

/// Handed out at once.
pub(crate) const MAX_FETCH: usize = 256;

/// In flight at once for one consumer: they are kept in one entry.
pub(crate) const MAX_IN_FLIGHT: u32 = 1024;

#[cfg(test)]
mod tests;
