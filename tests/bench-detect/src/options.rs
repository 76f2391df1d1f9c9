//! What can be asked for.

use std::path::PathBuf;

use clap::Parser;

/// Measures how well labelled anomalies are found, by the rules of the Numenta Anomaly Benchmark. Writes target/bench/detect.json.
#[derive(Debug, Parser)]
#[command(name = "bench-detect", version)]
pub(crate) struct Options {
    /// Folder like numenta/NAB: series below `data`, and `combined_windows.json` in it or its `labels`
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,

    /// Score every second file of the folder, and the others, by themselves too
    #[arg(long)]
    pub(crate) halves: bool,

    /// Seeds of synthetic series that were tuned on
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 3])]
    pub(crate) tuned_seeds: Vec<u64>,

    /// Seeds of synthetic series that were not
    #[arg(long, value_delimiter = ',', default_values_t = [101, 102, 103, 104])]
    pub(crate) seeds: Vec<u64>,

    /// Print every file or kind of series too
    #[arg(long)]
    pub(crate) files: bool,

    /// Where the figures go
    #[arg(long, value_name = "FILE", default_value = "target/bench/detect.json")]
    pub(crate) out: PathBuf,
}
