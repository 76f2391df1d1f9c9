//! Plays a console: its portal listens, and its game tells, until the trace has ended.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use console_simulator::game::Output;
use console_simulator::portal::Credentials;
use console_simulator::{Begin, Oddities, Setup, Simulator};
use telemetry_traces::Rate;

#[derive(Debug, Parser)]
#[command(name = "console-simulator", about = "Plays a console: a device portal, and a game that tells what it does.")]
struct Options {
    /// Which scenario of telemetry-traces is played.
    #[arg(long, default_value = "thermal-throttling")]
    scenario: String,
    /// What its chance begins with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Which device of it: the first one that is struck, if nothing is said.
    #[arg(long)]
    device: Option<String>,
    /// How many seconds of the trace pass in one.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// How many minutes of the trace are left out.
    #[arg(long, value_name = "MINUTES", default_value_t = 0)]
    skip_minutes: u64,
    /// After how many seconds of the trace something goes wrong: what is before is left out.
    #[arg(long, value_name = "SECONDS", conflicts_with = "skip_minutes")]
    onset: Option<u64>,
    /// How many seconds of the trace the game has told before the beginning: at once, with times of the past.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    history: u64,
    /// Each frame instead of one a second.
    #[arg(long)]
    each_frame: bool,
    /// Where the portal listens. A console's is 11443; port 0 is a free one.
    #[arg(long, default_value = "127.0.0.1:11443")]
    listen: SocketAddr,
    /// A file with the portal's user and password: `user:password` in one line.
    #[arg(long)]
    credentials: PathBuf,
    /// Where the game's lines go: -, file:PATH, tcp:ADDRESS:PORT or unix:PATH.
    #[arg(long)]
    game: Output,
    /// Writes the portal's certificate there, as PEM.
    #[arg(long)]
    certificate: Option<PathBuf>,
    #[command(flatten)]
    oddities: Oddities,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    if !(options.speed.is_finite() && options.speed > 0.0) {
        bail!("--speed must be more than 0");
    }
    let said = fs::read_to_string(&options.credentials).context("the credentials cannot be read")?;
    let (user, password) = said.trim_end().split_once(':').context("the credentials are not user:password")?;
    let mut simulator = Simulator::start(Setup {
        scenario: options.scenario,
        seed: options.seed,
        rate: options.each_frame.then_some(Rate::EACH_FRAME),
        device: options.device,
        speed: options.speed,
        begin: match options.onset {
            Some(seconds) => Begin::BeforeTrouble(Duration::from_secs(seconds)),
            None => Begin::After(Duration::from_secs(options.skip_minutes.saturating_mul(60))),
        },
        history: Duration::from_secs(options.history),
        listen: options.listen,
        credentials: Credentials { user: user.to_owned(), password: password.to_owned() },
        game: options.game,
        oddities: options.oddities,
    })
    .await?;
    if let Some(path) = options.certificate {
        fs::write(path, &simulator.certificate)?;
    }
    // Standard output may be the game's.
    eprintln!("portal {} of {} with pin {}", simulator.url(), simulator.device, simulator.pin);
    if let Some(at) = simulator.trouble_at {
        eprintln!("something goes wrong at {at} ms since 1970");
    }
    let played = tokio::select! {
        played = simulator.played() => played?,
        stopped = tokio::signal::ctrl_c() => return Ok(stopped?),
    };
    eprintln!(
        "played: {} lines with {} values, and {} answers of the portal",
        played.lines, played.values, played.gauges
    );
    Ok(())
}
