//! What `watchgate` understands: each command is a module with its arguments and one `run`.

pub mod keys;
pub mod token;

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
    /// Make the keys and certificates that a gate and its service need.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Make tokens of the development issuer.
    #[command(subcommand)]
    Token(token::TokenCommand),
}

impl CommandLine {
    /// Runs the command to its end.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(arguments) => serve::run(arguments),
            Command::Keys(command) => keys::run(command),
            Command::Token(command) => token::run(command),
        }
    }
}
