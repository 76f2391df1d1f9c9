//! The attack table without Traefik: each row is handed to `trust-core` as Go's HTTP server and the plugin's adapter would
//! hand it over, and what comes out is held against what the row expects, down to the reason of a denial.
//!
//! It takes a second, so it can be played once for each check of the core with that check switched off (`switch-off`).

mod go;
mod memory;
mod play;
mod stage;
mod transactions;

pub use play::{Played, play_all};

/// A failed row: its name, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The row.
    pub row: String,
    /// What became of it, and what should have.
    pub outcome: String,
}
