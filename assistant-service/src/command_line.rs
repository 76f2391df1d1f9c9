//! What `watchgate` understands: each command is a module with its arguments and one `run`.

pub mod ask;
mod at;
pub mod eval;
pub mod events;
pub mod fine_tune;
mod gateway;
pub mod keys;
pub mod policy;
pub mod runbook;
pub mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{exchange, keeper, serve};

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
    Serve(Box<serve::Arguments>),
    /// Keep the trust directory: the issuers' keys, what is revoked, and the word that gates wait for.
    #[command(after_help = keeper::AFTER_HELP)]
    Keeper(keeper::Arguments),
    /// Ask the assistant, through its gateway.
    #[command(after_help = ask::AFTER_HELP)]
    Ask(ask::Arguments),
    /// Put short-lived tokens of our own in the place of opaque ones, for Traefik's `forwardAuth`.
    #[command(after_help = exchange::AFTER_HELP)]
    Exchange(exchange::Arguments),
    /// Ask questions whose answers are known, and say how well the documents answer them.
    #[command(after_help = eval::AFTER_HELP)]
    Eval(eval::EvalArguments),
    /// Look after the events of a service, through its gateway or in its data folder.
    #[command(subcommand)]
    Events(events::EventsCommand),
    /// Train a model on documents and rated answers: write examples, start a job, follow it, use what it made.
    #[command(subcommand)]
    FineTune(fine_tune::FineTuneCommand),
    /// Make the keys and certificates that a gate and its service need.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Try a gate's configuration, before Traefik does.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Look through a folder of runbooks, before a service reads it.
    #[command(subcommand)]
    Runbook(runbook::RunbookCommand),
    /// Make tokens of the development issuer, and check anybody's.
    #[command(subcommand)]
    Token(token::TokenCommand),
}

impl CommandLine {
    /// Runs the command to its end. A command that judges something ends with 1 when it is found bad, and with 2 when it
    /// could not be judged, as for a mistake on the command line.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Serve(arguments) => serve::run(*arguments),
            Command::Keeper(arguments) => return Ok(judged(keeper::run(&arguments))),
            Command::Ask(arguments) => return Ok(judged(ask::run(&arguments))),
            Command::Exchange(arguments) => return Ok(judged(exchange::run(&arguments))),
            Command::Eval(arguments) => return Ok(judged(eval::run(&arguments))),
            Command::Events(command) => return Ok(judged(events::run(command))),
            Command::FineTune(command) => return Ok(judged(fine_tune::run(command))),
            Command::Keys(command) => keys::run(command),
            Command::Policy(command) => return Ok(judged(policy::run(command))),
            Command::Runbook(command) => return Ok(judged(runbook::run(&command))),
            Command::Token(command) => return token::run(command),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

fn judged(verdict: anyhow::Result<bool>) -> ExitCode {
    match verdict {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("watchgate: {error:#}");
            ExitCode::from(2)
        }
    }
}
