//! `watchgate events rebuild`: what events are found by, made again from the events.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::progress::Progress;
use crate::backbone;

/// Which store.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The data folder of the service, which is stopped.
    #[arg(long, env = "WATCHGATE_DATA_DIR")]
    data_dir: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let mut progress = Progress::begin();
    let rebuilt = backbone::rebuild(&arguments.data_dir, |events| progress.tell(|| format!("{events} events")))
        .with_context(|| format!("cannot rebuild {}", arguments.data_dir.display()))?;
    progress.end();
    for (position, reason) in &rebuilt.unreadable {
        eprintln!("event {position} is left as it is: {reason}");
    }
    eprintln!("{} events, {} of them mended", rebuilt.events, rebuilt.mended);
    Ok(rebuilt.unreadable.is_empty())
}
