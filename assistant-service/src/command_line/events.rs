//! `watchgate events`: what a person does with the events of a service, through its gateway or in its data folder. Each command
//! is a module of its own.

mod backup;
mod dead_letters;
mod export;
mod import;
mod migrate;
pub(super) mod progress;
mod rebuild;

use clap::Subcommand;

/// What can be done with events.
#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// Look at what could not be taken as an event, correct it and send it again, or throw it away.
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLettersCommand),
    /// Write events as lines of JSON to standard output, also beside a running service.
    Export(export::Arguments),
    /// Take events from lines of JSON into the store of a service that is stopped.
    Import(import::Arguments),
    /// Make again, from the events themselves, what they are found by; the service is stopped.
    Rebuild(rebuild::Arguments),
    /// Move the store of a service that is stopped into a log on NATS, where replicas share it.
    Migrate(migrate::Arguments),
    /// Copy the store as it is at one moment into a new file, also beside a running service.
    Backup(backup::Arguments),
}

/// Whether all was well.
pub(super) fn run(command: EventsCommand) -> anyhow::Result<bool> {
    match command {
        EventsCommand::DeadLetters(command) => dead_letters::run(command).map(|()| true),
        EventsCommand::Export(arguments) => export::run(&arguments),
        EventsCommand::Import(arguments) => import::run(&arguments),
        EventsCommand::Rebuild(arguments) => rebuild::run(&arguments),
        EventsCommand::Migrate(arguments) => migrate::run(arguments),
        EventsCommand::Backup(arguments) => backup::run(&arguments),
    }
}
