//! What can be asked for.

use clap::{Parser, ValueEnum};
use measuring::options::Run;

/// Measures what commands cost on either form of the backbone. Writes target/bench/commands.json.
#[derive(Debug, Parser)]
#[command(name = "bench-commands", version)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) run: Run,

    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    parts: Vec<Part>,
}

/// What is measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// From a request until an agent that waits has the command.
    Lease,
    /// Whole lives in a second.
    Life,
    /// What agents cost that wait.
    Idle,
}

impl Options {
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }
}
