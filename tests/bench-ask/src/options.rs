//! What can be asked for.

use clap::{Parser, ValueEnum};
use measuring::options::Run;

/// Measures what a question costs over many documents, without a model. Writes target/bench/ask.json.
#[derive(Debug, Parser)]
#[command(name = "bench-ask", version)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) run: Run,

    /// How often a measurement is made again when other programs disturbed it
    #[arg(long, default_value_t = 2)]
    pub(crate) patience: usize,

    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    parts: Vec<Part>,

    /// How many documents the corpus has, of some ten sections each [default: 10000, quick: 500]
    #[arg(long)]
    documents: Option<usize>,

    /// Questions a second in the measurement of latency
    #[arg(long, default_value_t = 200)]
    pub(crate) rate: u32,

    /// Seconds of load in a round [default: 15, quick: 2]
    #[arg(long)]
    seconds: Option<f64>,
}

/// What is measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// From the start until the documents are read, the memory, and how soon it can be ended meanwhile.
    Start,
    /// Questions at a fixed rate, and as many as are answered.
    Latency,
    /// From a change of a file until it is in an answer.
    Change,
}

impl Options {
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    pub(crate) fn documents(&self) -> usize {
        self.documents.unwrap_or(if self.run.quick { 500 } else { 10_000 })
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.seconds.unwrap_or(if self.run.quick { 2.0 } else { 15.0 })
    }
}
