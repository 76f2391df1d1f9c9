//! Diagnosis of devices: their samples come in as events, and what goes wrong with one cause becomes one incident, which says what moved,
//! since when, on which devices, and what these share.
//!
//! The walk: `samples` holds events with samples to their form at the door; one replica at a time follows the log (`following`), has the
//! engine hear it on a thread of its own (`judge`, `hearing`), and tells what has changed (`telling`). The place in the log, the
//! incidents and the events that tell of them are one commit (`place`, `record`), so that nothing is told twice, whatever ends when.
//! What the engine knows is written beside it every two minutes (`kept_bytes`). `reading` shows incidents, `picture` draws them, `explaining` says what documents know, `silences` keeps windows
//! in which there are to be none.

mod diagnosing;
pub(crate) mod explaining;
mod following;
mod gathering;
mod hearing;
mod interrupted;
mod judge;
mod kept_bytes;
pub(crate) mod metrics;
pub(crate) mod picture;
mod place;
pub(crate) mod reading;
mod record;
pub(crate) mod samples;
mod silence;
pub(crate) mod silences;
mod telling;
#[cfg(test)]
mod tests;

pub(crate) use diagnosing::diagnose_for_ever;
use diagnosing::first_samples;
