//! What can be asked for.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures what commands cost on either form of the backbone. Writes target/bench/commands.json.
#[derive(Debug, Parser)]
#[command(name = "bench-commands", version)]
pub(crate) struct Options {
    /// How many rounds of each measurement [default: 5, quick: 1]
    #[arg(long)]
    rounds: Option<usize>,

    /// Short: whether everything works, not how fast it is
    #[arg(long)]
    pub(crate) quick: bool,

    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    parts: Vec<Part>,

    /// Where the figures go; those of other parts that stand there stay [default: target/bench/commands.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
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
    pub(crate) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 1 } else { 5 })
    }

    pub(crate) fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    /// One of two numbers.
    pub(crate) fn or_quick<T>(&self, long: T, quick: T) -> T {
        if self.quick { quick } else { long }
    }
}
