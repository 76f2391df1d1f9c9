//! What can be asked for.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use measuring::options::Run;

/// Measures what going by events costs, each figure beside its limit in the same run. Writes target/bench/events.json.
#[derive(Debug, Parser)]
#[command(name = "bench-events", version)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) run: Run,

    /// How often a measurement is made again when other programs disturbed it
    #[arg(long, default_value_t = 2)]
    pub(crate) patience: usize,

    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    parts: Vec<Part>,

    /// How many events the large store holds [default: 10000000, quick: 20000]
    #[arg(long)]
    events: Option<u64>,

    /// Where the large store lies, or is made and stays [default: made for this run alone]
    #[arg(long, value_name = "DIR")]
    pub(crate) large_store: Option<PathBuf>,

    /// How many events a fresh replica reads from the log [default: 1000000, quick: 20000]
    #[arg(long)]
    log_events: Option<u64>,
}

/// What is measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// One event a request.
    Single,
    /// Batches on either form.
    Batches,
    /// The last events of one subject among many.
    Query,
    /// From append to a reader of the tail.
    Tail,
    /// Through gate and service to a consumer.
    Path,
    /// Starting on many events.
    Start,
    /// Making a read model again.
    Rebuild,
}

impl Options {
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    pub(crate) fn large_events(&self) -> u64 {
        self.events.unwrap_or(if self.run.quick { 20_000 } else { 10_000_000 })
    }

    pub(crate) fn log_events(&self) -> u64 {
        self.log_events.unwrap_or(if self.run.quick { 20_000 } else { 1_000_000 })
    }
}
