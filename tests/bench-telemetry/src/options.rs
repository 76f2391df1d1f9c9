//! What can be asked for.

use clap::{Parser, ValueEnum};
use measuring::options::Run;

/// Measures what telemetry costs. Writes target/bench/telemetry.json.
#[derive(Debug, Parser)]
#[command(name = "bench-telemetry", version)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) run: Run,

    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    parts: Vec<Part>,

    /// How many devices go bad in turn, a second apart [default: 60, quick: 3]
    #[arg(long)]
    incidents: Option<usize>,

    /// How many series are kept in memory [default: 100000, quick: 2000]
    #[arg(long)]
    series: Option<usize>,
}

/// What is measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Samples a second on one core.
    Speed,
    /// Memory of live series.
    Memory,
    /// Through Traefik, the gate and the service, until an incident is seen.
    Path,
}

impl Options {
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    pub(crate) fn incidents(&self) -> usize {
        self.incidents.unwrap_or_else(|| self.run.or_quick(60, 3))
    }

    pub(crate) fn series(&self) -> usize {
        self.series.unwrap_or_else(|| self.run.or_quick(100_000, 2_000))
    }
}
