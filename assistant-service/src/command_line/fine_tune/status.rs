//! `watchgate fine-tune status`: one job, or all of them.

use std::time::Duration;

use clap::Args;

use super::{EndpointArguments, shown};
use crate::command_line::gateway::block_on;
use crate::fine_tuning::transport::Patience;
use crate::fine_tuning::waiting::{News, Watch, until_ended};
use crate::fine_tuning::{Job, Service, Standing};

const SECONDS_PER_HOUR: u64 = 60 * 60;

pub(super) const AFTER_HELP: &str = "\
Exits with 0, with 1 when the job has failed or was cancelled, with 2 when that cannot be said.

Example:
  watchgate fine-tune status --assistant assistant.yml --model small ftjob-1 --wait";

/// Which job.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    endpoint: EndpointArguments,
    /// The job's id; without it all jobs are named, new ones first.
    job: Option<String>,
    /// Wait until the job has ended, and say meanwhile what happens to it.
    #[arg(long, requires = "job")]
    wait: bool,
    /// Wait no longer than so many hours.
    #[arg(long, value_name = "HOURS", default_value_t = 72, value_parser = clap::value_parser!(u64).range(1..=720))]
    hours: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// False when the job has failed or was cancelled.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let service = Service::open(&arguments.endpoint.endpoint()?, 0, Patience::default())?;
    let Some(id) = &arguments.job else {
        let jobs = block_on(async { Ok(service.jobs().await?) })?;
        jobs.iter().try_for_each(|job| print(job, arguments.json))?;
        return Ok(true);
    };
    let whole = if arguments.wait { arguments.hours.saturating_mul(SECONDS_PER_HOUR) } else { 0 };
    let watch = Watch {
        first: Duration::from_secs(2),
        longest: Duration::from_secs(30),
        away: if arguments.wait { Duration::from_secs(15 * 60) } else { Duration::ZERO },
        whole: Duration::from_secs(whole),
    };
    let job = block_on(async { Ok(until_ended(&service, id, watch, &mut tell).await?) })?;
    print(&job, arguments.json)?;
    if arguments.wait && job.standing() == Standing::Running {
        eprintln!("the time is up, and the job goes on");
    }
    Ok(job.standing() != Standing::Ended)
}

fn tell(news: News<'_>) {
    match news {
        News::Job(job) => eprintln!("{}", line(job)),
        News::Event(message) => eprintln!("  {}", shown(message)),
        News::Away(error) => eprintln!("  {}; asking again", shown(&error.to_string())),
    }
}

fn print(job: &Job, json: bool) -> anyhow::Result<()> {
    println!("{}", if json { serde_json::to_string(job)? } else { line(job) });
    Ok(())
}

fn line(job: &Job) -> String {
    let mut line = format!("{}  {}", shown(&job.id), shown(job.status.as_deref().unwrap_or("of no status")));
    if let Some(tokens) = job.trained_tokens {
        line.push_str(&format!("  {tokens} tokens trained"));
    }
    if let Some(made) = &job.fine_tuned_model {
        line.push_str(&format!("  {}", shown(made)));
    }
    if let Some(said) = job.error.as_ref().and_then(|error| error.message.as_ref().or(error.code.as_ref())) {
        line.push_str(&format!("  {}", shown(said)));
    }
    line
}
