//! `watchgate events backup`: the store as it is at one moment.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::backbone::StoreReader;

/// What is copied where.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The service's data folder.
    #[arg(long, env = "WATCHGATE_DATA_DIR")]
    data_dir: PathBuf,
    /// The file to make; one that is there is never written over. To restore, put it into an empty data folder as
    /// watchgate.sqlite.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let Arguments { data_dir, to } = arguments;
    let store = StoreReader::open(data_dir).with_context(|| format!("cannot read {}", data_dir.display()))?;
    let bytes = store.back_up(to).with_context(|| format!("there is no backup at {}", to.display()))?;
    eprintln!("{}: {bytes} bytes, on stable storage", to.display());
    Ok(true)
}
