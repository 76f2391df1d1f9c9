//! Watches over events: what somebody wants to know of becomes one insight, however often it comes, with its evidence, how sure
//! it is, where that stands, and a runbook that may help.
//!
//! The walk: a `watch` is read from its file; one replica at a time holds the lease and follows the log for every watch
//! (`following`); a `sighting` is an event that a watch wants; those of one key are counted in a `window`; when there are enough,
//! the assistant is asked (`asking`) and what it says becomes a `finding`; `telling` makes events of it. Place in the log, windows
//! and events are one commit of the `book`, so that whatever ends in between, nothing is lost and nothing is told twice.

mod asking;
mod book;
mod duration;
mod finding;
mod folder;
mod following;
mod grouping;
pub(crate) mod metrics;
mod question;
mod sighting;
mod telling;
#[cfg(test)]
mod tests;
mod watch;
mod watching;
mod window;

pub use folder::{InvalidWatches, Watches};
pub(crate) use grouping::one_line;
pub(crate) use question::quoted;
pub(crate) use watch::check_event_type;
pub(crate) use watching::{begin, watch_for_ever};

/// What the types of all insights begin with. No watch ever matches one of them, so that none wakes itself.
pub(crate) const INSIGHT: &str = "dev.watchgate.insight";
