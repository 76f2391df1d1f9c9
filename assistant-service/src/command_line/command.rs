//! `watchgate command`: from a runbook to its result, as the one who asks, and as the one who decides.

mod ask;
mod call;
mod decide;
mod follow;
mod list;
mod view;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::gateway::{GatewayArguments, block_on};
use super::plain::visible;

const PATH: [&str; 2] = ["v1", "commands"];

/// What can be done with commands.
#[derive(Debug, Subcommand)]
pub enum CommandCommand {
    /// Ask for a runbook to be carried out, and follow it to its end.
    #[command(after_help = call::AFTER_HELP)]
    Run(call::RunArguments),
    /// Agree to a command that waits for it.
    Approve(decide::DecideArguments),
    /// Decide against a command that waits for it.
    Deny(decide::DecideArguments),
    /// Call a command off; one that is carried out is asked to stop.
    Cancel(decide::CancelArguments),
    /// Ask once more for a command that did not end well, and follow it.
    Replay(call::ReplayArguments),
    /// Watch a command to its end.
    Follow(OneArguments),
    /// New ones first.
    List(list::ListArguments),
}

/// The arguments of what is done with one command.
#[derive(Debug, Args)]
pub struct OneArguments {
    #[command(flatten)]
    gateway: GatewayArguments,
    /// The command.
    id: String,
    /// JSON, for programs: the command as it stands at the end.
    #[arg(long)]
    json: bool,
}

/// Whether the command ended well, or what was asked for was done.
pub(super) fn run(command: CommandCommand) -> anyhow::Result<bool> {
    let done = block_on(async {
        match command {
            CommandCommand::Run(arguments) => call::run(&arguments).await,
            CommandCommand::Approve(arguments) => decide::approve(&arguments).await,
            CommandCommand::Deny(arguments) => decide::deny(&arguments).await,
            CommandCommand::Cancel(arguments) => decide::cancel(&arguments).await,
            CommandCommand::Replay(arguments) => call::replay(&arguments).await,
            CommandCommand::Follow(arguments) => follow::run(&arguments).await,
            CommandCommand::List(arguments) => list::run(&arguments).await,
        }
    });
    // Whoever refuses may say what a terminal would obey.
    done.map_err(|error| anyhow::anyhow!("{}", visible(&format!("{error:#}"))))
}

/// A member of a command that is a text.
fn text<'a>(command: &'a Value, pointer: &str) -> &'a str {
    command.pointer(pointer).and_then(Value::as_str).unwrap_or("-")
}

#[cfg(test)]
mod tests;
