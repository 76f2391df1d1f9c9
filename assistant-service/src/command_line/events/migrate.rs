//! `watchgate events migrate`: from the store of one machine to a log on NATS.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use tokio::runtime::Runtime;

use super::progress::Progress;
use crate::backbone::jetstream::{Moved, NatsArguments, migrate};

/// What is moved where.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The data folder of the service, which is stopped, or a folder with a backup as watchgate.sqlite. It stays as it is; replicas
    /// get folders of their own.
    #[arg(long, env = "WATCHGATE_DATA_DIR")]
    data_dir: PathBuf,
    #[command(flatten)]
    nats: NatsArguments,
}

pub(super) fn run(Arguments { data_dir, nats }: Arguments) -> anyhow::Result<bool> {
    let settings = nats.settings().context("say where to with --nats")?;
    let mut progress = Progress::begin();
    let runtime = Runtime::new()?;
    let moved = runtime.block_on(migrate(&data_dir, &settings, |Moved { events, entries }, all| {
        progress.tell(|| format!("{events} of {all} events, {entries} entries"));
    }));
    progress.end();
    let Moved { events, entries } = moved.with_context(|| format!("{} was not moved", data_dir.display()))?;
    eprintln!("{events} events and {entries} entries are in the log {}", settings.stream);
    Ok(true)
}
