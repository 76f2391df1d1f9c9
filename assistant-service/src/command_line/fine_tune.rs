//! `watchgate fine-tune`: what a model is trained on, the job that trains it, and the model that comes of it.

mod adopt;
mod export;
mod start;
mod status;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};

use crate::fine_tuning::endpoint::Endpoint;

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum FineTuneCommand {
    /// Write examples from documents and rated answers, and a report of what was left out.
    #[command(after_help = export::AFTER_HELP)]
    Export(export::Arguments),
    /// Upload examples and start a job, unless both are there already; prints the job's id.
    #[command(after_help = start::AFTER_HELP)]
    Start(start::Arguments),
    /// Say where a job is, or name all jobs.
    #[command(after_help = status::AFTER_HELP)]
    Status(status::Arguments),
    /// Say, or write into the settings, which model a job has made.
    #[command(after_help = adopt::AFTER_HELP)]
    Use(adopt::Arguments),
}

/// Where models are trained.
#[derive(Debug, Args)]
struct EndpointArguments {
    /// The file of what the assistant is told.
    #[arg(long, env = "WATCHGATE_ASSISTANT", value_name = "FILE")]
    assistant: PathBuf,
    /// The model of that file whose endpoint is used, by its name there.
    #[arg(long, value_name = "NAME")]
    model: String,
}

impl EndpointArguments {
    fn endpoint(&self) -> anyhow::Result<Endpoint> {
        Endpoint::load(&self.assistant, &self.model).context("no endpoint to train at")
    }
}

/// Whether all was well.
pub(super) fn run(command: FineTuneCommand) -> anyhow::Result<bool> {
    match command {
        FineTuneCommand::Export(arguments) => export::run(arguments),
        FineTuneCommand::Start(arguments) => start::run(&arguments),
        FineTuneCommand::Status(arguments) => status::run(&arguments),
        FineTuneCommand::Use(arguments) => adopt::run(&arguments),
    }
}

/// What a server says, without what a terminal would obey.
fn shown(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }).collect()
}
