//! `make demo`: the whole idea, step by step, through the real Traefik. Prints what each step showed; the last line and
//! the exit code say whether all of it held.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::process::ExitCode;

use anyhow::Result;
use watchgate_tests::{Folder, Stage, StageOptions, artifacts};

mod attacks;
mod checks;
mod commands;
mod consoles;
mod dynamic;
mod events;
mod http3;
mod questions;

use checks::Checks;

#[tokio::main]
async fn main() -> ExitCode {
    let mut checks = Checks::default();
    if let Err(error) = run(&mut checks).await {
        eprintln!("demo: {error:#}");
        checks.give_up();
    }
    checks.close()
}

async fn run(checks: &mut Checks) -> Result<()> {
    let more_documents = vec![artifacts::root().join("examples/company/lab")];
    let options = StageOptions { folder: Folder::Fresh("demo"), more_documents, ..StageOptions::default() };
    let stage = Stage::start(options).await?;
    println!("gateway {}, files in {}\n", stage.base_url(), stage.folder().display());

    events::play(checks, &stage).await?;
    attacks::play(checks, &stage).await?;
    let proposal = questions::play(checks, &stage).await?;
    commands::play(checks, &stage, proposal).await?;
    dynamic::play(checks, &stage).await?;
    http3::play(checks, &stage).await?;
    consoles::play(checks, &stage).await?;

    if checks.have_failed() {
        eprintln!("\n{}", stage.log_tails());
    }
    Ok(())
}
