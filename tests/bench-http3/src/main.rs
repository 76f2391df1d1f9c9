//! What HTTP/3 gains and where it does not: connections, first bytes and pages over HTTP/1.1, 2 and 3 through the shipped Traefik and its gate, on a
//! link with delay and loss; and what a stream does when the client's address changes. Writes target/bench/http3.json and http3.svg.
//!
//! The gateway and the client are in network namespaces of their own, with a link between them that is made here ([`link`]).

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a panic ends the bench, which is what a wrong figure shall do"
)]

mod back_end;
mod client;
mod connection;
mod far;
mod job;
mod link;
mod measure;
mod plot;
mod table;

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};
use measuring::options::Run;

/// Set for the program in its namespace.
const INSIDE: &str = "WATCHGATE_BENCH_HTTP3_INSIDE";

/// Measures HTTP/1.1, 2 and 3 on links with delay and loss. Needs root, for network namespaces and TUN devices.
#[derive(Debug, Parser)]
#[command(name = "bench-http3", version)]
struct Options {
    #[command(flatten)]
    run: Run,

    /// Round trips in milliseconds
    #[arg(long, value_delimiter = ',', default_values_t = [0, 20, 80, 200])]
    round_trips: Vec<u64>,

    /// Losses in percent, in each direction
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1, 3], value_parser = clap::value_parser!(u64).range(0..=100))]
    losses: Vec<u64>,

    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// The client in its namespace, started by this program itself
    #[command(hide = true)]
    Client,
}

fn main() -> Result<()> {
    let options = Options::parse();
    if options.role.is_some() {
        return client::run();
    }
    if env::var_os(INSIDE).is_none() {
        // Before there is any other thread: all of them shall be in the namespace.
        let mut command = Command::new("unshare");
        let error = command.args(["--net", "--"]).args(env::args_os()).env(INSIDE, "yes").exec();
        return Err(error).context("there is no `unshare`: scripts/system-packages.sh installs it");
    }
    ensure!(options.run.rounds() > 0, "no round is no measurement");
    link::ip(&["link", "set", "lo", "up"]).context("network namespaces need root")?;
    tokio::runtime::Runtime::new()?.block_on(measure::run(&options))
}
