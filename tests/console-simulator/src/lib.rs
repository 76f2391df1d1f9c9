//! A console as a collector sees it: its [Windows Device Portal][portal] over HTTPS with a certificate of its own making, and a game that
//! tells as JSON lines what it does. It replays one device of a trace (`telemetry-traces`), as fast as it is told to.
//!
//! [portal]: https://learn.microsoft.com/en-us/windows/uwp/debug-test-perf/device-portal-api-core

mod certificate;
mod door;
pub mod game;
mod oddities;
mod player;
pub mod portal;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use diagnosis::Millis;
use telemetry_traces::{Rate, SCENARIOS, Trace};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use game::Output;
pub use oddities::Oddities;
use player::{Player, now};
use portal::{Console, Credentials};

/// What is replayed, where, and to whom.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The name of the scenario.
    pub scenario: String,
    /// What its chance begins with.
    pub seed: u64,
    /// At another rate than its usual one.
    pub rate: Option<Rate>,
    /// Which device; otherwise the first one that is struck, or the first of all.
    pub device: Option<String>,
    /// How many seconds of the trace pass in one.
    pub speed: f64,
    /// Where in the trace it is switched on.
    pub begin: Begin,
    /// How much of the trace before that the game has told already: its lines come at once, with times of the past. The portal tells
    /// what is, and has no past.
    pub history: Duration,
    /// Where the portal listens; port 0 is a free one.
    pub listen: SocketAddr,
    /// Who may ask it.
    pub credentials: Credentials,
    /// Where the game's lines go.
    pub game: Output,
    /// What its portal does that it should not.
    pub oddities: Oddities,
}

/// Where in a trace a console is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// So much after its beginning.
    After(Duration),
    /// So much before something goes wrong.
    BeforeTrouble(Duration),
}

/// A console that runs. It is switched off when this is dropped.
#[derive(Debug)]
pub struct Simulator {
    /// Where its portal listens.
    pub address: SocketAddr,
    /// Its portal's certificate, as PEM.
    pub certificate: String,
    /// SHA-256 of the certificate's public key (its SPKI), as `sha256/` and base64.
    pub pin: String,
    /// The device's name.
    pub device: String,
    /// When something goes wrong by the clock on the wall, in milliseconds since 1970; nothing where all stays well.
    pub trouble_at: Option<Millis>,
    door: JoinHandle<()>,
    player: JoinHandle<Result<Played>>,
    is_over: watch::Sender<bool>,
}

/// What was played in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// How many lines the game told.
    pub lines: u64,
    /// How many values those lines had.
    pub values: u64,
    /// How many answers the portal had.
    pub gauges: u64,
}

impl Simulator {
    /// Switches a console on.
    ///
    /// # Errors
    /// When there is no such scenario or device, when nothing goes wrong in it or sooner than is wanted, or the portal cannot listen.
    pub async fn start(setup: Setup) -> Result<Self> {
        let scenario = SCENARIOS.iter().find(|scenario| scenario.name == setup.scenario);
        let scenario = scenario.with_context(|| format!("no scenario is called {}", setup.scenario))?;
        let trace = scenario.trace(setup.seed, setup.rate);
        let struck = trace.expectation().incidents.first().and_then(|it| it.devices.first());
        let wanted = setup.device.as_ref().or(struck).or(trace.devices().first().map(|device| &device.name)).cloned();
        let found = trace.devices().iter().find(|device| Some(&device.name) == wanted.as_ref()).cloned();
        let device = found.with_context(|| format!("{} has no device {wanted:?}", setup.scenario))?;
        let trouble = trouble(&trace, &device.name);
        let from = setup.begin.of(&trace, trouble).with_context(|| format!("{} cannot begin so", setup.scenario))?;
        let certificate = certificate::make(&device.name, &setup.oddities)?;
        let listener = TcpListener::bind(setup.listen).await;
        let listener = listener.with_context(|| format!("the portal cannot listen at {}", setup.listen))?;
        let address = listener.local_addr()?;
        let console = Arc::new(Console::new(&device, setup.credentials.clone(), setup.oddities));
        let door = tokio::spawn(door::open(listener, certificate.server, portal::router(Arc::clone(&console))));
        let player = Player::new(console, &setup, from, now());
        let trouble_at = trouble.map(|at| player.shown_at(at));
        let (is_over, ends) = watch::channel(false);
        let player = tokio::spawn(player.play(trace.of_device(&device.name), setup.game, ends));
        let (certificate, pin, device) = (certificate.pem, certificate.pin, device.name);
        Ok(Self { address, certificate, pin, device, trouble_at, door, player, is_over })
    }

    /// The portal's address, as a collector wants it.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Waits until the trace has been played; the portal goes on answering.
    ///
    /// # Errors
    /// When the game's lines could not be told.
    pub async fn played(&mut self) -> Result<Played> {
        (&mut self.player).await?
    }

    /// Ends the game before the trace does; every line that was begun is told whole.
    ///
    /// # Errors
    /// When the game's lines could not be told.
    pub async fn end(&mut self) -> Result<Played> {
        self.is_over.send_replace(true);
        self.played().await
    }
}

impl Begin {
    /// The moment of the trace.
    fn of(self, trace: &Trace, trouble: Option<Millis>) -> Result<Millis> {
        let millis = |time: Duration| Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX);
        match self {
            Self::After(skipped) => Ok(trace.starts_at().saturating_add(millis(skipped))),
            Self::BeforeTrouble(before) => {
                let trouble = trouble.context("nothing goes wrong in it")?;
                let from = trouble.saturating_sub(millis(before));
                if from < trace.starts_at() {
                    let healthy = trouble.saturating_sub(trace.starts_at()) / 1000;
                    bail!("what goes wrong in it does so after {healthy} s, not after {} s", before.as_secs());
                }
                Ok(from)
            }
        }
    }
}

/// When something goes wrong with this device, or with others where it stays well itself.
fn trouble(trace: &Trace, device: &str) -> Option<Millis> {
    let causes = &trace.expectation().incidents;
    let own = causes.iter().find(|cause| cause.devices.iter().any(|struck| struck == device));
    own.or(causes.first()).map(|cause| cause.cause_at)
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.door.abort();
        self.player.abort();
    }
}
