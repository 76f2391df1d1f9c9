//! `make bench-revocation`: how long a revoked token still passes, over many connections, and prints median and worst.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;
use watchgate_tests::artifacts;
use watchgate_tests::revocation::{KeptStage, delay, median_and_worst};

/// Measures the time from a request to revoke a token until the last connection that brings it is refused.
#[derive(Parser)]
struct Options {
    /// Revocations.
    #[arg(long, default_value_t = 50)]
    rounds: usize,
    /// Connections that bring the token all the time.
    #[arg(long, default_value_t = 32)]
    connections: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let kept = KeptStage::start().await?;
    let mut delays = Vec::new();
    for round in 0..options.rounds {
        let delay = delay(&kept.stage, &format!("caller-{round}"), options.connections).await?;
        println!("{:>3}/{} {:>4} ms", round.saturating_add(1), options.rounds, delay.as_millis());
        delays.push(delay);
    }
    let milliseconds: Vec<_> = delays.iter().map(Duration::as_millis).collect();
    let (median, worst) = median_and_worst(delays).context("no round was asked for")?;
    println!("from the request to the last refusal: median {} ms, worst {} ms", median.as_millis(), worst.as_millis());
    let folder = artifacts::root().join("target/bench");
    fs::create_dir_all(&folder)?;
    let report = json!({"connections": options.connections, "milliseconds": milliseconds});
    fs::write(folder.join("revocation.json"), format!("{report:#}\n")).context("the report cannot be written")
}
