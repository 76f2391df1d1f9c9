//! What can be asked for.

use std::path::PathBuf;
use std::time::Duration;

use assistant_service::backbone::jetstream::NatsArguments;
use clap::{Args, Parser, Subcommand, ValueEnum};
use programs::artifacts;

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
    /// Mixed load, with a rolling update and faults in the middle.
    Soak(Soak),
    /// Carries commands out; started by `soak`.
    #[command(hide = true)]
    Agents(Agents),
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

/// Events, questions, commands, tails and long polls through Traefik and the gate at two replicas on NATS. Ends with 1 when an event that
/// was acknowledged is lost or there twice, a tail missed one or saw one twice, an answer was wrong, a command is stuck, or, unless
/// it is short, memory grew.
#[derive(Debug, Args)]
pub(crate) struct Soak {
    /// How long the load lasts [default: 30, short: 1.3]
    #[arg(long)]
    minutes: Option<f64>,
    /// With less load, for a debug build beside others; figures are told and not judged
    #[arg(long)]
    pub(crate) short: bool,
    /// Events a second [default: 200, short: 40]
    #[arg(long)]
    events: Option<u32>,
    /// Tails that are held open [default: 200, short: 40]
    #[arg(long)]
    tails: Option<u32>,
    /// Services that wait for commands by long poll [default: 200, short: 40]
    #[arg(long)]
    polls: Option<u32>,
    /// Where chance begins
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where the figures go [default: target/bench/soak.json, short: target/bench/soak-short.json]
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Soak {
    pub(crate) fn lasts(&self) -> Duration {
        Duration::from_secs_f64(self.minutes.unwrap_or(if self.short { 1.3 } else { 30.0 }) * 60.0)
    }

    pub(crate) fn events(&self) -> u32 {
        self.events.unwrap_or(if self.short { 40 } else { 200 }).max(1)
    }

    pub(crate) fn tails(&self) -> u32 {
        self.tails.unwrap_or(if self.short { 40 } else { 200 })
    }

    pub(crate) fn polls(&self) -> u32 {
        self.polls.unwrap_or(if self.short { 40 } else { 200 })
    }

    pub(crate) fn out(&self) -> PathBuf {
        let name = if self.short { "soak-short.json" } else { "soak.json" };
        self.out.clone().unwrap_or_else(|| artifacts::root().join("target/bench").join(name))
    }
}

/// What services need that carry commands out.
#[derive(Debug, Args)]
pub(crate) struct Agents {
    /// Where they ask.
    #[arg(long)]
    pub(crate) gateway: String,
    /// The authority of its certificate.
    #[arg(long)]
    pub(crate) ca: PathBuf,
    /// Whom they are.
    #[arg(long)]
    pub(crate) token_file: PathBuf,
    /// How many there are, each of which carries out one command at a time.
    #[arg(long)]
    pub(crate) count: u32,
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
