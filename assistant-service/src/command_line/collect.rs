//! `watchgate collect`: samples of a device that does not speak to a gateway itself.

mod show;
mod xbox;

use clap::Subcommand;

/// What can be collected from.
#[derive(Debug, Subcommand)]
pub enum CollectCommand {
    /// An Xbox: what its device portal measures, and what its game says.
    #[command(after_help = xbox::AFTER_HELP)]
    Xbox(Box<xbox::Arguments>),
}

/// Whether nothing was lost or refused.
pub(super) fn run(command: CollectCommand) -> anyhow::Result<bool> {
    match command {
        CollectCommand::Xbox(arguments) => xbox::run(*arguments),
    }
}
