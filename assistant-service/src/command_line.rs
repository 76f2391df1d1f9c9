//! What `watchgate` understands: each command is a module with its arguments and one `run`.

use clap::{Parser, Subcommand};

use crate::serve;

/// A zero-trust gate for Traefik, and the assistant behind it.
#[derive(Debug, Parser)]
#[command(name = "watchgate", version)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keep events, answer questions and hand out commands, behind the gate.
    Serve(serve::Arguments),
}

impl CommandLine {
    /// Runs the command to its end.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(arguments) => serve::run(arguments),
        }
    }
}
