//! `watchgate fine-tune use`: from a job that succeeded to the settings.

use clap::Args;

use super::EndpointArguments;
use crate::command_line::gateway::block_on;
use crate::fine_tuning::Service;
use crate::fine_tuning::settings_file::{adopt, made_by, snippet};
use crate::fine_tuning::transport::Patience;

pub(super) const AFTER_HELP: &str = "\
Exits with 0, and with 2 when the job has made no model or the file of settings was left as it is.

Example:
  watchgate fine-tune use --assistant assistant.yml --model small ftjob-1 --write";

/// Which job's model is used.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    endpoint: EndpointArguments,
    /// The job's id.
    job: String,
    /// Write it into the file of settings, as the `model` of the named model; everything else in the file stays.
    #[arg(long)]
    write: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let EndpointArguments { assistant, model } = &arguments.endpoint;
    let service = Service::open(&arguments.endpoint.endpoint()?, 0, Patience::default())?;
    let job = block_on(async { Ok(service.job(&arguments.job).await?) })?;
    let made = made_by(&job)?;
    print!("{}", snippet(model, made));
    if arguments.write {
        adopt(assistant, model, made)?;
        eprintln!("written to {}; a service that runs reads it when it starts again", assistant.display());
    }
    Ok(true)
}
