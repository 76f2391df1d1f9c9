//! A collector from its start to its end.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diagnosis::batch::MOST_TRAITS;
use thiserror::Error;
use tokio::io::stdin;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio::time::{Instant, interval, sleep, timeout};

use crate::batching::Batching;
use crate::forward::Forwarding;
use crate::game::{self, GameError, GameSource, Inbox, Listener};
use crate::gateway::{Gateway, GatewayError, GatewaySettings};
use crate::hearing::{hear, named};
use crate::keeping::{Store, keep};
use crate::names::fitted;
use crate::portal::{Portal, PortalError, PortalSettings};
use crate::reading::Place;
use crate::spool::{Spool, SpoolError};
use crate::tally::{Progress, Tally, Voice};

/// More than is read between two looks at the disk; then sources wait.
const INPUTS: usize = 4096;

const SHOW_EVERY: Duration = Duration::from_millis(200);

/// The rate is that of this many looks.
const RATE_OVER: usize = 10;

/// For everything that is left when somebody asks for the end.
const FAREWELL: Duration = Duration::from_secs(5);

/// When the game's lines have ended by themselves, the gateway is waited for while it takes something in this time.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a collector is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The console's device portal.
    pub portal: Option<PortalSettings>,
    /// The game's lines.
    pub game: Option<GameSource>,
    /// The device's name; without it, what the portal says.
    pub device: Option<String>,
    /// What else is known of the device; holds against what the portal says.
    pub traits: BTreeMap<String, String>,
    /// Where to.
    pub gateway: GatewaySettings,
    /// What the gateway has not taken yet is in this folder.
    pub spool: PathBuf,
    /// How much of it there may be.
    pub spool_bytes: u64,
}

/// Why a collector cannot begin.
#[derive(Debug, Error)]
pub enum CollectError {
    /// There is nothing to collect.
    #[error("there is nothing to collect: name a portal, a game, or both")]
    NoSource,
    /// Nobody says which device it is.
    #[error("without a portal nobody says which device it is: name it with --device")]
    NoDevice,
    /// There are more traits than a batch may have.
    #[error("a device has at most {MOST_TRAITS} traits")]
    Traits,
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The gateway cannot be used as given.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The portal cannot be used as given.
    #[error(transparent)]
    Portal(#[from] PortalError),
    /// The game's lines cannot be had.
    #[error(transparent)]
    Game(#[from] GameError),
}

/// Collects until `stop` says so, or until all lines of the game have come where nothing else is collected. Says how things stood at
/// the end; what is still in the spool is posted by the next collector that uses it.
///
/// # Errors
/// [`CollectError`] says why nothing was begun.
pub async fn run(
    settings: Settings,
    voice: Arc<dyn Voice>,
    stop: impl Future<Output = ()>,
) -> Result<Progress, CollectError> {
    let Settings { portal, game, device, traits, gateway, spool, spool_bytes } = settings;
    if portal.is_none() && game.is_none() {
        return Err(CollectError::NoSource);
    }
    if traits.len() > MOST_TRAITS {
        return Err(CollectError::Traits);
    }
    let portal = portal.as_ref().map(Portal::new).transpose()?;
    let gateway = Gateway::connect(&gateway)?;
    let spool = Spool::open(&spool, spool_bytes)?;
    let listener = match &game {
        Some(GameSource::Tcp(address)) => Some(Listener::tcp(*address).await?),
        Some(GameSource::Unix(path)) => Some(Listener::unix(path).await?),
        _ => None,
    };
    if let Some(thumbprint) = gateway.key_thumbprint() {
        voice.say(&format!("the token must be bound to the key {thumbprint}"));
    }
    if let Some(listener) = &listener {
        voice.say(&format!("the game is listened for at {}", listener.place()));
    }
    match (spool.lost(), spool.cut_bytes()) {
        (0, 0) => {}
        (0, cut) => voice.say(&format!("the spool ended in the middle of a record: {cut} bytes are cut off")),
        (lost, cut) => voice.say(&format!(
            "{lost} events in the spool are no longer what was written, and are lost: {cut} bytes are cut off"
        )),
    }
    let tally = Arc::new(Tally::default());
    tally.spool_is(&spool);

    tokio::pin!(stop);
    let device = match (device.map(|device| fitted(&device)).filter(|device| !device.is_empty()), &portal) {
        (Some(device), _) => device,
        (None, None) => return Err(CollectError::NoDevice),
        (None, Some(portal)) => tokio::select! {
            identity = named(portal, &tally, &voice) => identity.name,
            () = &mut stop => return Ok(tally.progress()),
        },
    };

    let place = spool.place().cloned();
    let store = Store::new(spool);
    let (inputs, read) = mpsc::channel(INPUTS);
    let (give_up, is_given_up) = watch::channel(false);
    let (ended, is_ended) = watch::channel(false);
    let traits = traits.iter().map(|(name, value)| (fitted(name), fitted(value))).collect();
    let batching = Batching::new(device.clone(), traits, game::context_of(place.as_ref()));
    let mut keeping =
        tokio::spawn(keep(read, batching, store.clone(), (Arc::clone(&tally), Arc::clone(&voice)), is_given_up));
    let forwarding = Forwarding { gateway, store, tally: Arc::clone(&tally), voice: Arc::clone(&voice) };
    let mut forwarding = tokio::spawn(forwarding.run(is_ended));
    let shown = show(device.clone(), Arc::clone(&tally), Arc::clone(&voice));

    let inbox = Inbox { inputs, tally: Arc::clone(&tally), voice: Arc::clone(&voice), trouble: Arc::default() };
    let mut sources = sources(portal, game, listener, place, inbox);
    let is_stopped = tokio::select! {
        () = async { while sources.join_next().await.is_some() {} } => false,
        () = &mut stop => true,
    };
    sources.shutdown().await;

    let by = Instant::now();
    if is_stopped {
        // Whoever has asked for the end waits: what the disk does not take in this time is lost.
        let kept = timeout(FAREWELL, &mut keeping).await;
        if kept.is_err() {
            give_up.send_replace(true);
            let _ = keeping.await;
        }
        ended.send_replace(true);
        if timeout(FAREWELL.saturating_sub(by.elapsed()), &mut forwarding).await.is_err() {
            forwarding.abort();
        }
    } else {
        let _ = keeping.await;
        ended.send_replace(true);
        drain(&mut forwarding, &tally, stop).await;
    }
    shown.abort();
    let mut progress = tally.progress();
    progress.device = device;
    Ok(progress)
}

/// Waits for the last post, as long as posts are taken.
async fn drain(forwarding: &mut JoinHandle<()>, tally: &Tally, mut stop: std::pin::Pin<&mut impl Future<Output = ()>>) {
    loop {
        let before = tally.progress();
        tokio::select! {
            _ = &mut *forwarding => return,
            () = sleep(PATIENCE) => {
                let now = tally.progress();
                if (now.sent, now.refused) == (before.sent, before.refused) {
                    break;
                }
            }
            () = &mut stop => break,
        }
    }
    forwarding.abort();
}

/// Starts all sources; they end when their inbox is closed.
fn sources(
    portal: Option<Portal>,
    game: Option<GameSource>,
    listener: Option<Listener>,
    place: Option<Place>,
    inbox: Inbox,
) -> JoinSet<()> {
    let mut sources = JoinSet::new();
    if let Some(listener) = listener {
        sources.spawn(listener.run(inbox.clone()));
    }
    match game {
        Some(GameSource::File { path, is_from_start }) => {
            let inbox = inbox.clone();
            sources.spawn(async move { game::follow(&path, is_from_start, place, &inbox).await });
        }
        Some(GameSource::StandardInput) => {
            let inbox = inbox.clone();
            sources.spawn(async move {
                if let Err(error) = game::read_all(stdin(), &inbox).await {
                    inbox.voice.say(&format!("standard input cannot be read: {error}"));
                }
            });
        }
        Some(GameSource::Tcp(_) | GameSource::Unix(_)) | None => {}
    }
    if let Some(portal) = portal {
        sources.spawn(hear(portal, inbox));
    }
    sources
}

/// Shows how things stand until it is ended.
fn show(device: String, tally: Arc<Tally>, voice: Arc<dyn Voice>) -> AbortHandle {
    let shown = tokio::spawn(async move {
        let mut tick = interval(SHOW_EVERY);
        let mut before = VecDeque::with_capacity(RATE_OVER);
        loop {
            let now = tick.tick().await;
            let mut progress = tally.progress();
            if before.len() == RATE_OVER {
                before.pop_front();
            }
            before.push_back((now, progress.samples));
            if let Some((then, samples)) = before.front() {
                let seconds = now.saturating_duration_since(*then).as_secs_f64();
                let read = u32::try_from(progress.samples.saturating_sub(*samples)).unwrap_or(u32::MAX);
                progress.samples_per_second = if seconds > 0.0 { f64::from(read) / seconds } else { 0.0 };
            }
            progress.device.clone_from(&device);
            voice.show(&progress);
        }
    });
    shown.abort_handle()
}
