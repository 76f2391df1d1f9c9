//! What can be asked for.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Runs two gates and an empty wasm middleware under the same load, with changing keys and reloads, and checks every
/// answer and what each Traefik grows by. Writes target/bench/soak-gate.json.
#[derive(Debug, Parser)]
#[command(name = "soak-gate", version)]
pub(crate) struct Options {
    /// How long
    #[arg(long, default_value_t = 15.0)]
    minutes: f64,

    /// Ends after so many requests at the two gates, in place of a time
    #[arg(long)]
    requests: Option<u64>,

    /// Ends after so many reloads, one every half second under light load, in place of a time
    #[arg(long, conflicts_with = "requests")]
    reloads: Option<u64>,

    /// Live tokens at any time
    #[arg(long, default_value_t = 2_000)]
    pub(crate) tokens: usize,

    /// Where the figures go [default: target/bench/soak-gate.json; with --reloads soak-gate-reloads.json, with --requests
    /// soak-gate-requests.json]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Options {
    pub(crate) fn is_done(&self, elapsed: Duration, requests: u64, reloads: u64) -> bool {
        match (self.requests, self.reloads) {
            (Some(wanted), _) => requests >= wanted,
            (None, Some(wanted)) => reloads >= wanted,
            (None, None) => elapsed.as_secs_f64() >= self.minutes * 60.0,
        }
    }

    /// Clients at the gates; each has a connection to every Traefik.
    pub(crate) fn connections(&self) -> u64 {
        if self.reloads.is_some() { 4 } else { 32 }
    }

    /// What a client waits between two requests.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.reloads.is_some().then_some(Duration::from_millis(5))
    }

    pub(crate) fn reload(&self) -> Duration {
        if self.reloads.is_some() { Duration::from_millis(500) } else { Duration::from_secs(10) }
    }

    /// Between two lines of progress.
    pub(crate) fn progress(&self) -> Duration {
        Duration::from_secs(if self.reloads.is_some() { 20 } else { 30 })
    }

    /// The file name below `target/bench`, unless another was asked for.
    pub(crate) fn out(&self, folder: PathBuf) -> PathBuf {
        let name = match (self.requests, self.reloads) {
            (Some(_), _) => "soak-gate-requests.json",
            (None, Some(_)) => "soak-gate-reloads.json",
            (None, None) => "soak-gate.json",
        };
        self.out.clone().unwrap_or_else(|| folder.join(name))
    }
}
