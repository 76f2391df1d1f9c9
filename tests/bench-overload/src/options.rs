//! What can be asked for.

use clap::{Parser, ValueEnum};
use measuring::options::Run;

/// Measures what the service does with more requests than it can carry. Writes target/bench/overload.json.
#[derive(Debug, Parser)]
#[command(name = "bench-overload", version)]
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
    /// The most reads that are carried, and what is left of them at twice and four times that.
    Reads,
    /// The same of events to be stored.
    Writes,
    /// What one caller finds while another one floods the service.
    Fairness,
}

impl Options {
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }
}
