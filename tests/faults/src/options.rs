//! What can be asked for.

use std::path::PathBuf;
use std::time::Duration;

use assistant_service::backbone::jetstream::NatsArguments;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Injects faults under load, prints for each what was injected and what was found, and ends with 1 when anything acknowledged is
/// lost, there twice, out of order or half there.
#[derive(Debug, Parser)]
#[command(name = "faults", version)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Injects faults and judges.
    Run(Plan),
    /// Writes without end; started by `run`.
    #[command(hide = true)]
    Worker(Box<Work>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Length {
    /// What needs no root, in a few minutes.
    Short,
    /// What needs root.
    Host,
    /// Everything, often.
    Long,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// How much
    #[arg(long, value_enum, default_value = "long")]
    pub(crate) length: Length,
    /// Of each kind of kill so many [default: 100, in the short form 10]
    #[arg(long)]
    kills: Option<u32>,
    /// Cuts of the power [default: 100, in the short form 10]
    #[arg(long)]
    cuts: Option<u32>,
    /// Where chance begins [default: the time]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Only the faults with this in their names
    pub(crate) names: Vec<String>,
}

impl Plan {
    pub(crate) fn kills(&self) -> u32 {
        self.kills.unwrap_or(self.by_length())
    }

    pub(crate) fn cuts(&self) -> u32 {
        self.cuts.unwrap_or(self.by_length())
    }

    /// The whole service takes a second to start.
    pub(crate) fn service_kills(&self) -> u32 {
        self.kills().min(if self.length == Length::Long { 20 } else { 3 })
    }

    /// The same with commands. In the long form its pauses take most of the time.
    pub(crate) fn command_kills(&self) -> u32 {
        if self.length == Length::Long { self.kills() } else { self.kills().min(5) }
    }

    /// How often a server or a network is away.
    pub(crate) fn outages(&self) -> Outages {
        match self.length {
            Length::Short => Outages { rounds: 2, longest: Duration::from_secs(6) },
            Length::Host | Length::Long => Outages { rounds: 5, longest: Duration::from_secs(12) },
        }
    }

    fn by_length(&self) -> u32 {
        if self.length == Length::Long { 100 } else { 10 }
    }
}

/// The first outage is the longest: longer than a record is offered to the log (5 s), and in the long form than anybody waits for
/// an answer (10 s). The others are shorter than that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outages {
    pub(crate) rounds: u32,
    pub(crate) longest: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct Work {
    /// The folder of the store.
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Where every answer is put down.
    #[arg(long)]
    pub(crate) journal: PathBuf,
    /// Writers, each with the number of its first operation: 0:1,1:17
    #[arg(long, value_delimiter = ',', value_parser = parse_writer)]
    pub(crate) writers: Vec<(u32, u64)>,
    /// Between two operations of one writer.
    #[arg(long, default_value_t = 2)]
    pub(crate) pause_millis: u64,
    /// Bytes beside the rest of each event.
    #[arg(long, default_value_t = 100)]
    pub(crate) padding: usize,
    /// The clock is set an hour forward and back so often.
    #[arg(long)]
    pub(crate) clock_step_millis: Option<u64>,
    #[command(flatten)]
    pub(crate) nats: NatsArguments,
}

fn parse_writer(text: &str) -> Result<(u32, u64), String> {
    let parsed = text.split_once(':').and_then(|(writer, first)| Some((writer.parse().ok()?, first.parse().ok()?)));
    parsed.ok_or_else(|| "writer:first".to_owned())
}
