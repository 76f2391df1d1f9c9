//! `watchgate keeper`: the only writer of the trust directory. It fetches the issuers' keys, takes over what the service
//! has revoked, and says once a second that all of it is so; when it cannot say so, gates deny.

mod allowance;
mod complaint;
mod config;
mod feed;
mod gate_folder;
mod gate_keys;
mod gate_watch;
mod head;
mod heard;
mod issuer;
mod key_sets;
mod metrics;
mod provider;
mod revoked;
mod service;
mod trust_folder;
mod wall;
mod wire;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use trust_core::trust_head::{TRUST_HEAD_FILE, wanted_file};

use crate::clock::{Clock, SystemClock};
use crate::config_file;
use crate::loopback::{self, Listening};
use crate::serve::{LogFormat, start_log};
use config::{KeeperConfig, ServiceConfig};
use feed::Feed;
use gate_folder::GateFolder;
use gate_keys::{GateKeyKeeper, Told};
use head::HeadWriter;
use heard::Heard;
use issuer::IssuerTask;
use key_sets::KeySets;
use metrics::Metrics;
use provider::Provider;
use revoked::Revoked;
use service::Service;
use trust_folder::{KeeperLock, TrustFolder, own};

/// How long a write that is under way may still take when the keeper ends.
const GRACE: Duration = Duration::from_secs(5);

pub(crate) const AFTER_HELP: &str = "\
Runs until SIGTERM. Exits with 1 when the configuration has a mistake, with 2 when the directory cannot be kept.

Examples:
  watchgate keeper --config /etc/watchgate/keeper.yml --check
  watchgate keeper --config /etc/watchgate/keeper.yml";

/// What `watchgate keeper` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The configuration, a YAML file such as traefik-config/keeper.yml.
    #[arg(long, env = "WATCHGATE_KEEPER_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Find every mistake in the configuration, and do nothing else.
    #[arg(long)]
    check: bool,
    /// How the log is written, to standard error.
    #[arg(long, env = "WATCHGATE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// Keeps the trust directory until SIGTERM or SIGINT. With `--check` says whether the configuration is without mistakes.
pub fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let file = arguments.config.display();
    let Some(config) = config_file::load(&arguments.config, config::read)? else { return Ok(false) };
    if arguments.check {
        println!("{file}: no mistakes");
        return Ok(true);
    }
    start_log(arguments.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(keep_until_signal(config, Arc::new(SystemClock)));
    runtime.shutdown_timeout(GRACE);
    outcome.map(|()| true)
}

async fn keep_until_signal(config: KeeperConfig, clock: Arc<dyn Clock>) -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let listen = config.metrics;
    let mut keeper = Keeper::start(config, clock)?;
    if let Some(address) = listen {
        let listening = Listening::on(address).await.context("cannot listen for metrics; choose a free address")?;
        writeln!(std::io::stdout(), "watchgate: metrics on http://{}/metrics", listening.address()?)?;
        let metrics = Arc::clone(&keeper.metrics);
        keeper.tasks.spawn(listening.answer(loopback::metrics(move || metrics.text())));
    }
    tracing::info!("the trust directory is kept");
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
        _ = keeper.tasks.join_next() => bail!("a part of the keeper has ended; start it again"),
    }
    tracing::info!("ending: gates deny in ten seconds unless a keeper is started");
    Ok(())
}

/// The tasks of a keeper. They end with it, and its hold on the directory with them.
struct Keeper {
    tasks: JoinSet<()>,
    metrics: Arc<Metrics>,
    _lock: KeeperLock,
}

impl Keeper {
    /// Opens everything, and fails where a keeper could not keep what it promises.
    fn start(config: KeeperConfig, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let metrics = Arc::new(Metrics::default());
        let trust = TrustFolder::open(&config.trust)
            .with_context(|| format!("cannot keep {}; make it, and make it yours", config.trust.display()))?;
        let Some(lock) = trust.lock()? else {
            bail!("another keeper keeps {}; end it first", config.trust.display());
        };
        for name in [TRUST_HEAD_FILE, &own("lock")] {
            trust.remove_unfinished_beside(name);
        }
        let key_sets = KeySets::open(trust.clone(), Arc::clone(&clock), &config.issuers);
        let key_sets = Arc::new(key_sets.context("cannot read what the last keeper left")?);
        let changed = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        let mut wishes = Vec::new();
        for issuer in config.issuers {
            let wish = Arc::new(Notify::new());
            wishes.push((wanted_file(&issuer.issuer), Arc::clone(&wish)));
            let provider = Provider::new(&issuer).with_context(|| format!("issuer {}", issuer.issuer))?;
            let (key_sets, clock, changed) = (Arc::clone(&key_sets), Arc::clone(&clock), Arc::clone(&changed));
            tasks.spawn(IssuerTask { config: issuer, provider, key_sets, clock, wish, changed }.run());
        }
        let left_behind = head::left_behind(&trust);
        let last_table = left_behind.revocations.unwrap_or(0);
        let parts = Parts { trust: &trust, clock: &clock, key_sets: &key_sets, changed: &changed };
        // Only where there are several hosts does the head name one.
        let is_shared = config.host.is_some();
        let follow = |service: ServiceConfig| parts.follow(&service, last_table, is_shared, &mut tasks);
        let (in_force, told) = config.service.map(follow).transpose()?.unzip();
        let told = told.filter(|_| is_shared);
        if config.rotate_after.is_some() || told.is_some() {
            let (rotate_after, transaction_keys) = (config.rotate_after, config.transaction_keys);
            let trust = trust.clone();
            tasks.spawn(GateKeyKeeper { trust, rotate_after, transaction_keys, service: told }.run());
        }
        let gate = GateFolder::new(&config.gate);
        tasks.spawn(gate_watch::watch_wishes(gate.clone(), wishes));
        tasks.spawn(gate_watch::sweep(gate, Arc::clone(&clock), Arc::clone(&metrics)));
        let (host, sequence) = (config.host, left_behind.sequence);
        tasks.spawn(
            HeadWriter { trust, clock, host, key_sets, service: in_force, sequence, metrics: Arc::clone(&metrics) }
                .run(changed),
        );
        Ok(Self { tasks, metrics, _lock: lock })
    }
}

/// What the service has revoked and when it was heard.
type InForce = (Arc<Revoked>, Arc<Heard>);

/// What the tasks share.
struct Parts<'a> {
    trust: &'a TrustFolder,
    clock: &'a Arc<dyn Clock>,
    key_sets: &'a Arc<KeySets>,
    changed: &'a Arc<Notify>,
}

impl Parts<'_> {
    fn follow(
        &self,
        config: &ServiceConfig,
        last_table: u64,
        is_shared: bool,
        tasks: &mut JoinSet<()>,
    ) -> anyhow::Result<(InForce, (Service, watch::Receiver<Told>))> {
        let (trust, clock) = (self.trust.clone(), Arc::clone(self.clock));
        let service = Service::connect(config, trust.clone(), Arc::clone(&clock))
            .context("the service's address, certificate or authority")?;
        let heard = Heard::open(trust.clone(), Arc::clone(&clock), config.max_silence);
        let revoked =
            Arc::new(Revoked::open(trust, clock, last_table, &heard).context("cannot take over what is revoked")?);
        let heard = Arc::new(heard);
        let (sender, told) = watch::channel(Told::Nothing);
        let feed = Feed {
            service: service.clone(),
            revoked: Arc::clone(&revoked),
            heard: Arc::clone(&heard),
            key_sets: Arc::clone(self.key_sets),
            is_shared,
            gate_keys: Arc::new(sender),
            changed: Arc::clone(self.changed),
        };
        tasks.spawn(feed.clone().follow());
        if is_shared {
            tasks.spawn(feed.share());
        }
        Ok(((revoked, heard), (service, told)))
    }
}
