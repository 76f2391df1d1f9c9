//! `watchgate collect xbox`: a console's device portal and its game, through a gateway.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::{ArgGroup, Args};
use collector::game::GameSource;
use collector::gateway::GatewaySettings;
use collector::portal::{Pin, PortalSettings, PortalTrust, first_contact};
use collector::{Progress, Settings, Voice as _};
use reqwest::Url;
use tokio::signal::unix::{SignalKind, signal};

use super::show::{Shown, summary};
use crate::command_line::gateway::OptionalGatewayArguments;
use crate::command_line::plain::visible;
use crate::serve::outlive_full_files;

pub(super) const AFTER_HELP: &str = "\
The token needs the scope `events:write`. What the gateway has not taken yet stays in the spool, over an outage and over a start.

Exits with 0 when nothing was lost or refused, with 1 when something was or a pin was printed, and with 2 when it could not begin.

Examples:
  watchgate collect xbox --portal https://192.168.1.20:11443          # prints the console's pin, and stops
  watchgate collect xbox --portal https://192.168.1.20:11443 --portal-pin sha256/… --portal-credentials portal.txt \\
    --game telemetry.jsonl --spool spool --gateway https://gw.example.com --token-file token --dpop-key key.pem";

/// Long enough for what a disk and a gateway do; a look at standard input that nobody answers does not hold up the end.
const END_WITHIN: Duration = Duration::from_millis(100);

/// What is collected, and where it goes.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("trust").args(["portal_pin", "portal_ca"]))]
pub struct Arguments {
    /// The console's device portal, such as https://192.168.1.20:11443. Without --portal-pin or --portal-ca its pin is printed, and
    /// nothing else done.
    #[arg(long, value_name = "URL", value_parser = parse_portal)]
    portal: Option<Url>,
    /// The public key that the portal must have: `sha256/` and the base64 of the SHA-256 of its SubjectPublicKeyInfo.
    #[arg(long, value_name = "PIN", requires = "portal")]
    portal_pin: Option<String>,
    /// Trust a portal whose certificate names it and is signed by one of these authorities, in PEM.
    #[arg(long, value_name = "FILE", requires = "portal")]
    portal_ca: Option<PathBuf>,
    /// A file with `user:password`, as set on the console.
    #[arg(long, value_name = "FILE", requires = "trust")]
    portal_credentials: Option<PathBuf>,
    /// The game's lines of JSON: a file that grows, or `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "game_listen")]
    game: Option<PathBuf>,
    /// Read what the file holds already; without it, what is added.
    #[arg(long, requires = "game")]
    from_start: bool,
    /// Listen for the game's lines: 127.0.0.1:PORT, or `unix:PATH`.
    #[arg(long, value_name = "ADDRESS")]
    game_listen: Option<String>,
    /// The device's name; without it, the console's own.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    device: Option<String>,
    /// What else is known of the device, such as site=lab-2.
    #[arg(long = "trait", value_name = "NAME=VALUE", value_parser = parse_trait)]
    traits: Vec<(String, String)>,
    #[command(flatten)]
    gateway: OptionalGatewayArguments,
    /// The private key that the token is bound to (DPoP, RFC 9449): P-256, PKCS #8, PEM.
    #[arg(long, env = "WATCHGATE_DPOP_KEY", value_name = "FILE")]
    dpop_key: Option<PathBuf>,
    /// The source of the events, where the token does not say whose it is.
    #[arg(long, value_name = "URI")]
    source: Option<String>,
    /// The folder for what the gateway has not taken yet; one for each collector.
    #[arg(long, env = "WATCHGATE_SPOOL", value_name = "FOLDER")]
    spool: Option<PathBuf>,
    /// How much of it there may be; beyond it the oldest goes.
    #[arg(long, value_name = "BYTES", default_value_t = 256 * 1024 * 1024,
        value_parser = clap::value_parser!(u64).range(collector::spool::LEAST_BYTES..))]
    spool_bytes: u64,
    /// Say only what happens, and not how things stand.
    #[arg(long)]
    quiet: bool,
}

fn parse_portal(text: &str) -> Result<Url, String> {
    let address = text.parse().ok().filter(Url::has_host);
    address.ok_or_else(|| "give scheme, host and port, such as https://192.168.1.20:11443".to_owned())
}

/// A name that is nothing would have every event refused.
fn parse_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() { Err("a name is not empty".to_owned()) } else { Ok(name.to_owned()) }
}

fn parse_trait(text: &str) -> Result<(String, String), String> {
    let named = text.split_once('=').and_then(|(name, value)| parse_name(name).ok().zip(parse_name(value).ok()));
    named.ok_or_else(|| "give a name and a value, neither of them empty, such as site=lab-2".to_owned())
}

/// Whether nothing was lost or refused.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ran = runtime.block_on(collect(arguments));
    runtime.shutdown_timeout(END_WITHIN);
    ran.map_err(|error| anyhow::anyhow!("{}", visible(&format!("{error:#}"))))
}

async fn collect(arguments: Arguments) -> anyhow::Result<bool> {
    let portal = match arguments.portal()? {
        Portal::None => None,
        Portal::Trusted(portal) => Some(portal),
        Portal::Unknown(address) => {
            let pin = first_contact(&address).await?;
            println!("{pin}");
            eprintln!(
                "watchgate: this is the pin of whoever answers at {address}. Compare it with the console's certificate, then say it with --portal-pin"
            );
            return Ok(false);
        }
    };
    outlive_full_files().context("a signal cannot be caught")?;
    let shown = Arc::new(Shown::new(arguments.quiet));
    let settings = arguments.settings(portal)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut asked = async move || tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} };
    let (told, stop) = tokio::sync::oneshot::channel::<()>();
    let says = Arc::clone(&shown);
    tokio::spawn(async move {
        asked().await;
        says.say("ending: what is read is posted or kept in the spool");
        let _ = told.send(());
        asked().await;
        // Whoever asks twice does not want to wait; what is in the spool is there.
        std::process::exit(1);
    });
    let stop = async move {
        let _ = stop.await;
    };
    let progress: Progress = collector::run(settings, Arc::clone(&shown) as Arc<_>, stop).await?;
    shown.end();
    eprintln!("watchgate: {}", summary(&progress));
    Ok(progress.lost == 0 && progress.refused == 0)
}

/// What is said of a portal.
enum Portal {
    None,
    Trusted(PortalSettings),
    /// Nobody has said whom to take for it.
    Unknown(Url),
}

impl Arguments {
    fn portal(&self) -> anyhow::Result<Portal> {
        let Some(address) = self.portal.clone() else { return Ok(Portal::None) };
        let trust = match (&self.portal_pin, &self.portal_ca) {
            (Some(pin), _) => PortalTrust::Pin(pin.parse::<Pin>()?),
            (None, Some(file)) => PortalTrust::Authorities(file.clone()),
            (None, None) => return Ok(Portal::Unknown(address)),
        };
        Ok(Portal::Trusted(PortalSettings { address, trust, credentials: self.portal_credentials.clone() }))
    }

    fn settings(self, portal: Option<PortalSettings>) -> anyhow::Result<Settings> {
        let game = match (self.game, self.game_listen) {
            (Some(path), _) if path.as_os_str() == "-" => Some(GameSource::StandardInput),
            (Some(path), _) => Some(GameSource::File { path, is_from_start: self.from_start }),
            (None, Some(address)) => Some(listened(&address)?),
            (None, None) => None,
        };
        if portal.is_none() && game.is_none() {
            bail!("there is nothing to collect: name a console's portal with --portal, its game with --game, or both");
        }
        let gateway =
            self.gateway.given().context("say with --gateway and --token-file where to send what is collected")?;
        let (address, token_file, ca) = gateway.parts()?;
        let gateway = GatewaySettings { address, token_file, ca, dpop_key: self.dpop_key, source: self.source };
        let spool = self.spool.context("say with --spool where to keep what the gateway has not taken yet")?;
        let mut traits = BTreeMap::new();
        for (name, value) in self.traits {
            ensure!(!traits.contains_key(&name), "--trait {name} is said twice; a device has one value of each");
            traits.insert(name, value);
        }
        Ok(Settings { portal, game, device: self.device, traits, gateway, spool, spool_bytes: self.spool_bytes })
    }
}

fn listened(address: &str) -> anyhow::Result<GameSource> {
    match address.strip_prefix("unix:") {
        Some("") => bail!("--game-listen unix: wants a path"),
        Some(path) => Ok(GameSource::Unix(path.into())),
        None => {
            let address = address.parse::<SocketAddr>().context("--game-listen wants 127.0.0.1:PORT or unix:PATH")?;
            Ok(GameSource::Tcp(address))
        }
    }
}
