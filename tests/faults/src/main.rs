//! Breaks what the backbone stands on, in every way that it must survive, and judges what is left. A worker process opens a real form
//! of the backbone and writes without end; what it was answered it puts down in a journal that outlives it. Somebody kills it, stops
//! its disk, its server or its network, and then all that the journal says must be in the store, once and in order.

#![expect(clippy::arithmetic_side_effects, reason = "it counts events of a few minutes")]

mod crew;
mod dice;
mod journal;
mod judge;
mod lease;
mod ledger;
mod operation;
mod options;
mod report;
mod scenarios;
mod stand;
mod times;
mod verdict;
mod witness;
mod worker;

use std::process::ExitCode;

use clap::Parser;

use options::{Command, Options};

fn main() -> anyhow::Result<ExitCode> {
    match Options::parse().command {
        Command::Worker(work) => worker::run(*work).map(|()| ExitCode::SUCCESS),
        Command::Run(plan) => scenarios::run(&plan),
        Command::Soak(plan) => scenarios::soak(&plan),
        Command::Agents(work) => scenarios::agents(&work).map(|()| ExitCode::SUCCESS),
    }
}
