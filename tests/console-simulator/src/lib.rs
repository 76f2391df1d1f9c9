//! A console as a collector sees it: its [Windows Device Portal][portal] over HTTPS with a certificate of its own making, and a game that
//! tells as JSON lines what it does. It replays one device of a trace (`telemetry-traces`), as fast as it is told to.
//!
//! [portal]: https://learn.microsoft.com/en-us/windows/uwp/debug-test-perf/device-portal-api-core

mod certificate;
mod door;
pub mod game;
mod player;
pub mod portal;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use telemetry_traces::{Rate, SCENARIOS};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use game::Output;
use player::Player;
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
    /// What is left out at the beginning of the trace.
    pub skip: Duration,
    /// Where the portal listens; port 0 is a free one.
    pub listen: SocketAddr,
    /// Who may ask it.
    pub credentials: Credentials,
    /// Where the game's lines go.
    pub game: Output,
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
    door: JoinHandle<()>,
    player: JoinHandle<Result<Played>>,
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
    /// When there is no such scenario or device, or the portal cannot listen.
    pub async fn start(setup: Setup) -> Result<Self> {
        let scenario = SCENARIOS.iter().find(|scenario| scenario.name == setup.scenario);
        let scenario = scenario.with_context(|| format!("no scenario is called {}", setup.scenario))?;
        let trace = scenario.trace(setup.seed, setup.rate);
        let struck = trace.expectation().incidents.first().and_then(|it| it.devices.first());
        let wanted = setup.device.as_ref().or(struck).or(trace.devices().first().map(|device| &device.name)).cloned();
        let found = trace.devices().iter().find(|device| Some(&device.name) == wanted.as_ref()).cloned();
        let device = found.with_context(|| format!("{} has no device {wanted:?}", setup.scenario))?;
        let certificate = certificate::make(&device.name)?;
        let listener = TcpListener::bind(setup.listen).await.context("the portal cannot listen")?;
        let address = listener.local_addr()?;
        let console = Arc::new(Console::new(&device, setup.credentials.clone()));
        let door = tokio::spawn(door::open(listener, certificate.server, portal::router(Arc::clone(&console))));
        let starts = trace.starts_at();
        let player = Player::new(console, &setup, starts);
        let player = tokio::spawn(player.play(trace.of_device(&device.name), setup.game));
        Ok(Self { address, certificate: certificate.pem, pin: certificate.pin, device: device.name, door, player })
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
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.door.abort();
        self.player.abort();
    }
}
