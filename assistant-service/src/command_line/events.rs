//! `watchgate events`: what a person does with the events of a service. Each command is a module of its own.

mod dead_letters;

use clap::Subcommand;

/// What `watchgate events` can do.
#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// Look at what could not be taken as an event, correct it and send it again, or throw it away.
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLettersCommand),
}

/// Carries out one `watchgate events` command.
pub fn run(command: EventsCommand) -> anyhow::Result<()> {
    match command {
        EventsCommand::DeadLetters(command) => dead_letters::run(command),
    }
}
