//! `watchgate fine-tune start`: the job, once, however often it is asked for.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::{EndpointArguments, shown};
use crate::command_line::gateway::block_on;
use crate::fine_tuning::Service;
use crate::fine_tuning::jobs::{self, Examples, Order, Step};
use crate::fine_tuning::transport::Patience;

pub(super) const AFTER_HELP: &str = "\
Exits with 0 when there is such a job, and with 2 when there is none. Said again after a failure, it uses what is there already.

Example:
  watchgate fine-tune start --assistant assistant.yml --model small --train export/train.jsonl \\
    --validation export/validation.jsonl --suffix ours";

/// What is trained on what.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    endpoint: EndpointArguments,
    /// The examples that the model learns: `train.jsonl` of an export.
    #[arg(long, value_name = "FILE")]
    train: PathBuf,
    /// The examples that it is tried on: `validation.jsonl` of an export.
    #[arg(long, value_name = "FILE")]
    validation: Option<PathBuf>,
    /// The model that is trained on, by its name at the endpoint; without it the one that the settings name.
    #[arg(long, value_name = "MODEL")]
    base_model: Option<String>,
    /// A part of the new model's name: 1 to 64 letters, figures, `-`, `_` or `.`.
    #[arg(long, value_name = "TEXT", value_parser = suffix)]
    suffix: Option<String>,
    /// How often the model sees each example, 1 to 50; without it the endpoint chooses.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=50))]
    epochs: Option<u8>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let endpoint = arguments.endpoint.endpoint()?;
    let base_model = arguments.base_model.clone().or_else(|| endpoint.model.clone());
    let base_model = base_model.context("the settings name no model at the endpoint; say it with --base-model")?;
    let (train, validation) = Examples::read_both(&arguments.train, arguments.validation.as_deref())?;
    eprintln!(
        "{} examples to learn, {} to be tried on, on {base_model} of {}",
        train.count,
        validation.as_ref().map_or(0, |validation| validation.count),
        endpoint.name
    );
    let largest = train.bytes().max(validation.as_ref().map_or(0, Examples::bytes));
    let service = Service::open(&endpoint, u64::try_from(largest).unwrap_or(u64::MAX), Patience::default())?;
    let (suffix, epochs) = (arguments.suffix.clone(), arguments.epochs);
    let order = Order { base_model, train, validation, suffix, epochs };
    let job = block_on(async { Ok(jobs::start(&service, &order, &mut tell).await?) })?;
    println!("{}", shown(&job.id));
    Ok(true)
}

fn tell(step: Step) {
    match step {
        Step::Uploading { bytes } => eprintln!("uploading {bytes} bytes"),
        Step::Uploaded { id } => eprintln!("uploaded as {}", shown(&id)),
        Step::FileWasThere { id } => eprintln!("the file is there already, as {}", shown(&id)),
        Step::LooksAgain { because } => eprintln!("{}; looking whether it was done", shown(&because)),
        Step::Created => eprintln!("the job is created"),
        Step::JobWasThere => eprintln!("the job is there already"),
    }
}

fn suffix(text: &str) -> Result<String, String> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    let is_suffix = (1..=64).contains(&text.len()) && text.chars().all(is_plain);
    if is_suffix { Ok(text.to_owned()) } else { Err("1 to 64 letters, figures, -, _ or . were expected".to_owned()) }
}
