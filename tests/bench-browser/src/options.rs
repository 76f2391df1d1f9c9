//! What can be asked for.

use clap::{Parser, ValueEnum};
use measuring::options::Run;

/// Measures a watch in a real Chromium, and what many of them cost. Writes target/bench/browser.json.
#[derive(Debug, Parser)]
#[command(name = "bench-browser", version)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) run: Run,

    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    parts: Vec<Part>,

    /// Watches that listen at once
    #[arg(long, default_value_t = 500)]
    pub(crate) watches: usize,

    /// Requests a second beside them
    #[arg(long, default_value_t = 1_000.0)]
    pub(crate) rate: f64,
}

/// What is measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Until a first screen, and until a first answer.
    Screen,
    /// From the tap that approves until the agent has the command.
    Lease,
    /// Requests beside watches that listen.
    Beside,
}

impl Options {
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }
}
