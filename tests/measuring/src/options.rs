//! What can be asked of every bench.

use std::path::{Path, PathBuf};

use clap::Args;
use programs::artifacts;

/// How much is measured, and where the figures go.
#[derive(Debug, Args)]
pub struct Run {
    /// How many rounds of each measurement [default: 5, quick: 1]
    #[arg(long)]
    rounds: Option<usize>,

    /// Short: whether everything works, not how fast it is
    #[arg(long)]
    pub quick: bool,

    /// Where the figures go; those of other parts that stand there stay [default: below target/bench]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Run {
    /// How many rounds of each measurement.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.rounds.unwrap_or_else(|| self.or_quick(5, 1))
    }

    /// One of two numbers.
    pub fn or_quick<T>(&self, long: T, quick: T) -> T {
        if self.quick { quick } else { long }
    }

    /// Where the figures go, by default in a file of this name below `target/bench`.
    #[must_use]
    pub fn out(&self, name: impl AsRef<Path>) -> PathBuf {
        self.out.clone().unwrap_or_else(|| artifacts::root().join("target/bench").join(name))
    }
}
