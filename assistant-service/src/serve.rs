//! `watchgate serve`: opens what the service stands on, answers requests, and ends without losing any.

mod answering;
mod backbone;
mod leaving;

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use axum::serve::{Listener, ListenerExt};
use clap::{Args, ValueEnum};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tracing_subscriber::EnvFilter;

use crate::app::app;
use crate::backbone::Backbone;
use crate::clock::SystemClock;
use crate::connections::{self, Bounds};
use crate::events::EventSchemas;
use crate::gate::FileTransactionKeys;
use crate::incidents;
use crate::insights::{self, Watches};
use crate::loopback::Loopback;
use crate::mediation;
use crate::metrics::Metrics;
use crate::runbooks::{FollowedCatalogue, RunbookCatalogue};
use crate::state::AppState;
use crate::telemetry::{Telemetry, TraceArguments, traces};
use crate::tls::{TlsArguments, TlsListener};
use crate::trust::TrustBook;
use crate::web::Console;
use answering::Answering;
use backbone::BackboneArguments;
pub(crate) use leaving::GRACE;
use leaving::Leaving;

pub(crate) const AFTER_HELP: &str = "\
Runs until SIGTERM, and for --drain-seconds more. Exits with 1 when it cannot start or its store fails, and says why.

Example:
  watchgate keys transaction --trust /var/lib/watchgate/trust --audience assistant-service \\
    --out /var/lib/watchgate/transaction.keys
  watchgate serve --data-dir /var/lib/watchgate/data --documents wiki --runbooks runbooks \\
    --transaction-keys /var/lib/watchgate/transaction.keys";

/// Where the service listens and what it reads.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "WATCHGATE_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8085")]
    listen: SocketAddr,
    #[command(flatten)]
    backbone: BackboneArguments,
    /// Folder of documents that questions are answered from: Markdown, plain text and source code. May be given several times;
    /// citations then begin with the folder's own name. What changes below it is in answers within two seconds.
    #[arg(long, env = "WATCHGATE_DOCUMENTS", value_name = "FOLDER", required = true)]
    documents: Vec<PathBuf>,
    /// File of what the assistant is told about models, embeddings and budgets; without it, it answers from the documents alone.
    #[arg(long, env = "WATCHGATE_ASSISTANT", value_name = "FILE")]
    assistant: Option<PathBuf>,
    /// Folder of runbook files, and of `rights.yaml`: who may do what with them. What changes there counts within two seconds;
    /// while it has mistakes, what was read before stays.
    #[arg(long, env = "WATCHGATE_RUNBOOKS")]
    runbooks: PathBuf,
    /// Folder of watch files: which events become insights, and what the assistant is asked about them.
    #[arg(long, env = "WATCHGATE_WATCHES", value_name = "FOLDER")]
    watches: Option<PathBuf>,
    /// File of what sessions of further devices are told, such as traefik-config/sessions.yml; without it there are none.
    #[arg(long, env = "WATCHGATE_SESSIONS", value_name = "FILE")]
    sessions: Option<PathBuf>,
    /// File of what the console is told, such as traefik-config/console.yml: above all, where one signs in. Without it there is none.
    #[arg(long, env = "WATCHGATE_CONSOLE", value_name = "FILE")]
    console: Option<PathBuf>,
    /// Folder of JSON Schemas for the data of events, one file `<event type>.json` for each type that has one.
    #[arg(long, env = "WATCHGATE_EVENT_SCHEMAS", value_name = "FOLDER")]
    event_schemas: Option<PathBuf>,
    /// The key file that `watchgate keys transaction` writes for this service.
    #[arg(long, env = "WATCHGATE_TRANSACTION_KEYS", value_name = "FILE")]
    transaction_keys: PathBuf,
    /// The audience that the key file must be for.
    #[arg(long, env = "WATCHGATE_AUDIENCE", value_name = "NAME", default_value = "assistant-service")]
    audience: String,
    /// How many days a revocation is kept whose tokens do not say when they end: longer than any token lives.
    #[arg(long, env = "WATCHGATE_REVOCATIONS_KEPT_DAYS", value_name = "DAYS", default_value_t = 90,
        value_parser = clap::value_parser!(u64).range(1..=3650))]
    revocations_kept_days: u64,
    #[command(flatten)]
    tls: TlsArguments,
    /// Tell of health, `/healthz` and `/readyz`, on this address of this host too, in the clear and without a certificate: for
    /// `watchgate health`.
    #[arg(long, env = "WATCHGATE_HEALTH_LISTEN", value_name = "ADDRESS")]
    health_listen: Option<Loopback>,
    /// How long the service still answers after SIGTERM while it says that it is not ready, so that whoever sends requests has
    /// looked for another one before the listener closes. A second signal ends the service at once, with what is under way.
    #[arg(long, env = "WATCHGATE_DRAIN_SECONDS", value_name = "SECONDS", default_value_t = 0,
        value_parser = clap::value_parser!(u64).range(..=600))]
    drain_seconds: u64,
    #[command(flatten)]
    traces: TraceArguments,
    /// How the log is written, to standard error.
    #[arg(long, env = "WATCHGATE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// How a log is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// Serves until SIGTERM or SIGINT.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    start_log(arguments.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let metrics = Arc::new(Metrics::default());
    runtime.block_on(async { outlive_full_files() }).context("a signal cannot be caught")?;
    let (backbone, failed) = runtime.block_on(backbone::open(&arguments.backbone, &metrics))?;
    let outcome = runtime.block_on(serve(arguments, Arc::clone(&backbone), failed, metrics));
    if !backbone::close(runtime, backbone) {
        tracing::error!("the store is still held by somebody; its log stays beside its file");
    }
    outcome
}

/// Has the kernel tell whoever writes that a file may not grow any more, where it would otherwise end the process. Holds for good.
pub(crate) fn outlive_full_files() -> std::io::Result<()> {
    signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).map(drop)
}

async fn serve(
    arguments: Arguments,
    backbone: Arc<dyn Backbone>,
    failed: BoxFuture<'static, String>,
    metrics: Arc<Metrics>,
) -> anyhow::Result<()> {
    // Caught before anybody can know that the service is there: whoever ends it right away ends it in order.
    let mut signals = signals()?;
    let spans_dropped = metrics.spans_dropped.clone();
    let exporting = arguments.traces.open(&spans_dropped).context("cannot export traces")?;
    let (state, telemetry) = open(&arguments, backbone, metrics).await?;
    let state = exporting.iter().fold(state, |state, (traces, _)| state.with_traces(traces.clone()));
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}; choose a free address with --listen", arguments.listen))?;
    let _asked_about_health = leaving::tell_of_health(arguments.health_listen, &state).await?;
    let failure = Arc::<OnceLock<String>>::default();
    let failing = Arc::clone(&failure);
    let readiness = Arc::clone(&state.readiness);
    let drain = Duration::from_secs(arguments.drain_seconds);
    let ending = Arc::clone(&state.ending);
    // Comes to its end when everything is to be cut off.
    let leaving = async move {
        let leaving = tokio::select! {
            leaving = leaving::drained(&mut signals, readiness, drain) => leaving,
            why = failed => {
                let _ = failing.set(why);
                Leaving::InOrder
            }
        };
        tracing::info!("ending: nothing new is taken");
        ending.send_replace(true);
        match leaving {
            Leaving::AtOnce => Leaving::AtOnce,
            Leaving::InOrder => leaving::out_of_grace(&mut signals).await,
        }
    };
    listen_and_answer(arguments.tls, listener, state, leaving).await?;
    if let Some((traces, sending)) = exporting {
        traces::close(&traces, sending).await;
    }
    if let Some(telemetry) = telemetry {
        tokio::task::spawn_blocking(move || telemetry.close()).await.context("telemetry did not end")?;
    }
    match failure.get() {
        None => Ok(()),
        // Whoever keeps the service running starts it again, and it begins anew with the log.
        Some(why) => anyhow::bail!("the backbone failed: {why}"),
    }
}

/// Each SIGTERM and SIGINT.
fn signals() -> anyhow::Result<BoxStream<'static, ()>> {
    let caught = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let next = |(mut terminated, mut interrupted): (Signal, Signal)| async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        Some(((), (terminated, interrupted)))
    };
    Ok(stream::unfold(caught, next).boxed())
}

async fn listen_and_answer(
    tls: TlsArguments,
    listener: TcpListener,
    state: AppState,
    leaving: impl Future<Output = Leaving> + Send + 'static,
) -> anyhow::Result<()> {
    match tls.files() {
        Some(files) => {
            let listener = TlsListener::over(listener, files).context("cannot listen with mutual TLS")?;
            writeln!(std::io::stdout(), "watchgate: listening on https://{}", listener.local_addr()?)?;
            answer(listener, state, leaving).await
        }
        None => {
            writeln!(std::io::stdout(), "watchgate: listening on http://{}", listener.local_addr()?)?;
            // Answers are small and awaited: they must not wait for a full segment.
            let listener = listener.tap_io(|connection| {
                if let Err(error) = connection.set_nodelay(true) {
                    tracing::debug!(%error, "a connection stays with Nagle's algorithm");
                }
            });
            answer(listener, state, leaving).await
        }
    }
}

/// Answers requests until the service ends, and then those that are under way until `leaving` ends too.
async fn answer<L: Listener<Addr: std::fmt::Debug>>(
    listener: L,
    state: AppState,
    leaving: impl Future<Output = Leaving> + Send + 'static,
) -> anyhow::Result<()> {
    let commands = Arc::clone(&state.commands);
    let trust = Arc::clone(&state.trust);
    let mut sweeping = JoinSet::new();
    let (announcing, expiring) = (Arc::clone(&commands), Arc::clone(&commands));
    sweeping.spawn(async move { expiring.let_ended_expire().await });
    sweeping.spawn(async move { commands.sweep_for_ever().await });
    sweeping.spawn(async move { announcing.announce_for_ever().await });
    let consumers = Arc::clone(&state.consumers);
    let measuring = Arc::clone(&consumers);
    sweeping.spawn(async move { consumers.announce_for_ever().await });
    sweeping.spawn(async move { measuring.measure_for_ever().await });
    sweeping.spawn(mediation::follow_up_for_ever(state.clone()));
    let watching = tokio::spawn(insights::watch_for_ever(state.clone()));
    let diagnosing = tokio::spawn(incidents::diagnose_for_ever(state.clone()));
    let following = Arc::clone(&trust);
    sweeping.spawn(async move { trust.sweep_for_ever().await });
    sweeping.spawn(async move { following.follow_for_ever().await });
    let leaving = tokio::spawn(leaving);
    let until_end = state.clone();
    let answered =
        connections::answer(listener, app(state), Bounds::of_a_service(), async move { until_end.ended().await });
    tokio::select! {
        () = answered => {}
        leaving = leaving => {
            tracing::warn!("requests that were still under way have been cut off");
            if leaving? == Leaving::AtOnce {
                return Ok(());
            }
        }
    }
    // Another replica watches as soon as this one has said that it does not.
    if tokio::time::timeout(GRACE, async { tokio::join!(watching, diagnosing) }).await.is_err() {
        tracing::warn!("another replica watches only when it has missed this one");
    }
    Ok(())
}

async fn open(
    arguments: &Arguments,
    backbone: Arc<dyn Backbone>,
    metrics: Arc<Metrics>,
) -> anyhow::Result<(AppState, Option<Telemetry>)> {
    let transaction_keys = FileTransactionKeys::open(arguments.transaction_keys.clone(), arguments.audience.clone())
        .with_context(|| {
            format!("cannot use {} (make it with `watchgate keys transaction`)", arguments.transaction_keys.display())
        })?;
    let reloads_failed = metrics.runbook_reloads_failed.clone();
    let runbooks: Arc<dyn RunbookCatalogue> =
        Arc::new(FollowedCatalogue::open(arguments.runbooks.clone(), reloads_failed)?);
    let Answering { assistant, knowledge, passed_on, telemetry, redaction, mediator } =
        Answering::open(arguments, &runbooks, &backbone, &metrics)?;
    let keep_for = Duration::from_secs(arguments.revocations_kept_days.saturating_mul(SECONDS_PER_DAY));
    let trust = TrustBook::load(Arc::clone(&backbone), Arc::new(SystemClock), Arc::clone(&metrics), keep_for);
    let trust = trust.await.context("cannot read what is revoked")?;
    let watches =
        arguments.watches.as_deref().map(Watches::load).transpose()?.unwrap_or_default().redacting(&redaction);
    let event_schemas = read_event_schemas(arguments.event_schemas.as_deref())?;
    let state = AppState::new(
        backbone,
        Arc::new(SystemClock),
        Arc::new(transaction_keys),
        assistant,
        runbooks,
        Arc::new(trust),
        metrics,
    );
    let state =
        state.with_event_schemas(event_schemas).with_watches(watches).with_documents(knowledge).with_mediator(mediator);
    let state = match passed_on {
        Some(passed_on) => state.with_models(passed_on),
        None => state,
    };
    let state = match &arguments.sessions {
        Some(file) => state.with_file_of_sessions(file)?,
        None => state,
    };
    let state = match &arguments.console {
        Some(file) => {
            let console = Console::open(file)?.with_context(|| format!("{} has mistakes", file.display()))?;
            state.with_console(console)
        }
        None => state,
    };
    // Before anybody can send an event that a watch should see.
    insights::begin(&state).await.context("cannot begin to watch")?;
    Ok((state, telemetry))
}

fn read_event_schemas(folder: Option<&Path>) -> anyhow::Result<EventSchemas> {
    let Some(folder) = folder else { return Ok(EventSchemas::default()) };
    let schemas = EventSchemas::load(folder)?;
    tracing::info!(types = schemas.count(), "event schemas are read");
    Ok(schemas)
}

/// Standard output is for the one line that says where the service listens; the log goes to standard error.
pub(crate) fn start_log(format: LogFormat) {
    // The client of NATS says in its own words what we say in ours.
    let filter = EnvFilter::try_from_env("WATCHGATE_LOG").unwrap_or_else(|_| EnvFilter::new("info,async_nats=warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
