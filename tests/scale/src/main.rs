//! How many gates, replicas of the service and NATS nodes so many requests a second need, with one of each lost, and where the first limit
//! is: a simulation that goes by costs that benches have measured, held against points that they have measured too.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a panic ends the simulation, which is what a wrong figure shall do"
)]

mod check;
mod costs;
mod draw;
mod mix;
mod needs;
mod report;
mod station;
mod system;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use costs::Costs;

/// Simulates so many requests a second, prints what they need, and writes target/bench/scale.json.
#[derive(Debug, Parser)]
#[command(name = "scale", version)]
pub(crate) struct Options {
    /// Requests a second
    #[arg(long, value_delimiter = ',', default_values_t = [10.0, 1_000.0, 100_000.0])]
    rates: Vec<f64>,
    /// Where chance begins
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What a sync of a NATS node's disk takes, in place of what costs.json has
    #[arg(long)]
    sync_micros: Option<f64>,
    /// What a tail takes to look at a commit, in place of what costs.json has
    #[arg(long)]
    tail_look_micros: Option<f64>,
    /// Without the search for the first limit
    #[arg(long)]
    quick: bool,
    /// Where the figures go [default: target/bench/scale.json]
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let costs = Costs::read()?;
    let costs = Costs {
        sync: options.sync_micros.map_or(costs.sync, |micros| micros / 1e6),
        tail_look: options.tail_look_micros.map_or(costs.tail_look, |micros| micros / 1e6),
        ..costs
    };
    let points = check::points(&costs, options.seed);
    report::points(&points);
    let needs: Vec<_> = options.rates.iter().map(|rate| (*rate, needs::need(&costs, *rate, options.seed))).collect();
    report::needs(&needs);
    let limit = (!options.quick).then(|| needs::limit(&costs, options.seed));
    report::limit(limit.as_ref());
    let out = options.out.unwrap_or_else(|| report::folder().join("scale.json"));
    report::write(&out, &costs, &points, &needs, limit.as_ref())
}
