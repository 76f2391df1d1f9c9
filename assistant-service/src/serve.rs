//! `watchgate serve`: opens what the service stands on, answers requests, and ends without losing any.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use axum::serve::{Listener, ListenerExt};
use clap::{Args, ValueEnum};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tracing_subscriber::EnvFilter;

use crate::app::app;
use crate::assistant::ExtractiveAssistant;
use crate::backbone::Backbone;
use crate::backbone::jetstream::{JetStreamBackbone, NatsArguments, Promise};
use crate::backbone::sqlite::SqliteBackbone;
use crate::clock::SystemClock;
use crate::events::EventSchemas;
use crate::gate::FileTransactionKeys;
use crate::knowledge::Knowledge;
use crate::metrics::Metrics;
use crate::retention_file;
use crate::runbooks::{FolderCatalogue, RunbookCatalogue};
use crate::state::AppState;
use crate::tls::{TlsArguments, TlsListener};
use crate::trust::TrustBook;

/// Where the service listens and what it reads.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "WATCHGATE_LISTEN", default_value = "127.0.0.1:8085")]
    listen: SocketAddr,
    /// Folder of the event store; made when it is not there. With `--nats` it holds what this replica has read of the log.
    #[arg(long, env = "WATCHGATE_DATA_DIR")]
    data_dir: PathBuf,
    /// File that says how long and how much of the events is kept; without one all of them are.
    #[arg(long, env = "WATCHGATE_RETENTION", value_name = "FILE")]
    retention: Option<PathBuf>,
    /// Folder of Markdown documents that questions are answered from.
    #[arg(long, env = "WATCHGATE_DOCUMENTS")]
    documents: PathBuf,
    /// Folder of runbook files.
    #[arg(long, env = "WATCHGATE_RUNBOOKS")]
    runbooks: PathBuf,
    /// Folder of JSON Schemas for the data of events, one file `<event type>.json` for each type that has one.
    #[arg(long, env = "WATCHGATE_EVENT_SCHEMAS")]
    event_schemas: Option<PathBuf>,
    /// The key file that `watchgate keys transaction` writes for this service.
    #[arg(long, env = "WATCHGATE_TRANSACTION_KEYS")]
    transaction_keys: PathBuf,
    /// The audience that the key file must be for.
    #[arg(long, env = "WATCHGATE_AUDIENCE", default_value = "assistant-service")]
    audience: String,
    /// How many days a revocation is kept whose tokens do not say when they end: longer than any token lives.
    #[arg(long, env = "WATCHGATE_REVOCATIONS_KEPT_DAYS", default_value_t = 90,
        value_parser = clap::value_parser!(u64).range(1..=3650))]
    revocations_kept_days: u64,
    #[command(flatten)]
    nats: NatsArguments,
    #[command(flatten)]
    tls: TlsArguments,
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

/// How long requests that are under way may still take when the service ends.
const GRACE: Duration = Duration::from_secs(5);

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// Serves until SIGTERM or SIGINT.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    start_log(arguments.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let metrics = Arc::new(Metrics::default());
    let (backbone, failed) = runtime.block_on(open_backbone(&arguments, &metrics))?;
    let outcome = runtime.block_on(serve(arguments, Arc::clone(&backbone), failed, metrics));
    if !close(runtime, backbone) {
        tracing::error!("the store is still held by somebody; its log stays beside its file");
    }
    outcome
}

/// Closes the store in order, on this thread, unless somebody holds it even now.
fn close(runtime: Runtime, backbone: Arc<dyn Backbone>) -> bool {
    // Ends every task that is left, connections that were cut off among them, and waits for reads that are under way.
    drop(runtime);
    let is_ours_alone = Arc::strong_count(&backbone) == 1;
    drop(backbone);
    is_ours_alone
}

/// The form of the backbone that was asked for; what comes with it ends with the reason when the service cannot go on with it.
async fn open_backbone(
    arguments: &Arguments,
    metrics: &Metrics,
) -> anyhow::Result<(Arc<dyn Backbone>, BoxFuture<'static, String>)> {
    let retention = arguments.retention.as_deref().map(retention_file::load).transpose()?.unwrap_or_default();
    let (clock, histogram) = (Arc::new(SystemClock), metrics.jobs_per_commit.clone());
    let folder = &arguments.data_dir;
    let about_folder = || format!("cannot use the data folder {}", folder.display());
    match arguments.nats.clone().settings() {
        None => {
            let backbone = SqliteBackbone::open(folder, retention, clock, histogram).with_context(about_folder)?;
            Ok((Arc::new(backbone), std::future::pending().boxed()))
        }
        Some(settings) => {
            Promise::ask(settings.audit.as_ref(), settings.replicas).await.log();
            let backbone = JetStreamBackbone::join(folder, &settings, retention, clock, histogram).await;
            let backbone = backbone.with_context(|| format!("cannot join the log {}", settings.stream))?;
            let failed = backbone.failed().boxed();
            Ok((Arc::new(backbone), failed))
        }
    }
}

async fn serve(
    arguments: Arguments,
    backbone: Arc<dyn Backbone>,
    failed: BoxFuture<'static, String>,
    metrics: Arc<Metrics>,
) -> anyhow::Result<()> {
    // Caught before anybody can know that the service is there: whoever ends it right away ends it in order.
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let state = open(&arguments, backbone, metrics).await?;
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}; choose a free address with --listen", arguments.listen))?;
    let failure = Arc::<OnceLock<String>>::default();
    let failing = Arc::clone(&failure);
    let until_signal = async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
            why = failed => {
                let _ = failing.set(why);
            }
        }
    };
    listen_and_answer(arguments.tls, listener, state, until_signal).await?;
    match failure.get() {
        None => Ok(()),
        // Whoever keeps the service running starts it again, and it begins anew with the log.
        Some(why) => anyhow::bail!("the backbone failed: {why}"),
    }
}

async fn listen_and_answer(
    tls: TlsArguments,
    listener: TcpListener,
    state: AppState,
    until_signal: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    match tls.files() {
        Some(files) => {
            let listener = TlsListener::over(listener, files).context("cannot listen with mutual TLS")?;
            writeln!(std::io::stdout(), "watchgate: listening on https://{}", listener.local_addr()?)?;
            answer(listener, state, until_signal).await
        }
        None => {
            writeln!(std::io::stdout(), "watchgate: listening on http://{}", listener.local_addr()?)?;
            // Answers are small and awaited: they must not wait for a full segment.
            let listener = listener.tap_io(|connection| {
                if let Err(error) = connection.set_nodelay(true) {
                    tracing::debug!(%error, "a connection stays with Nagle's algorithm");
                }
            });
            answer(listener, state, until_signal).await
        }
    }
}

/// Answers requests until the signal, and then those that are under way.
async fn answer<L: Listener<Addr: std::fmt::Debug>>(
    listener: L,
    state: AppState,
    until_signal: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let commands = Arc::clone(&state.commands);
    let trust = Arc::clone(&state.trust);
    let mut sweeping = JoinSet::new();
    let announcing = Arc::clone(&commands);
    sweeping.spawn(async move { commands.sweep_for_ever().await });
    sweeping.spawn(async move { announcing.announce_for_ever().await });
    let following = Arc::clone(&trust);
    sweeping.spawn(async move { trust.sweep_for_ever().await });
    sweeping.spawn(async move { following.follow_for_ever().await });
    let ending = Arc::clone(&state.ending);
    let until_signal = async move {
        until_signal.await;
        tracing::info!("ending: nothing new is taken");
        ending.send_replace(true);
    };
    let out_of_grace = {
        let state = state.clone();
        async move {
            state.ended().await;
            tokio::time::sleep(GRACE).await;
        }
    };
    let server = axum::serve(listener, app(state)).with_graceful_shutdown(until_signal);
    tokio::select! {
        ended = server.into_future() => ended.context("the service stopped answering")?,
        () = out_of_grace => tracing::warn!("requests that were still under way have been cut off"),
    }
    Ok(())
}

async fn open(arguments: &Arguments, backbone: Arc<dyn Backbone>, metrics: Arc<Metrics>) -> anyhow::Result<AppState> {
    let transaction_keys = FileTransactionKeys::open(arguments.transaction_keys.clone(), arguments.audience.clone())
        .with_context(|| {
            format!("cannot use {} (make it with `watchgate keys transaction`)", arguments.transaction_keys.display())
        })?;
    let runbooks: Arc<dyn RunbookCatalogue> = Arc::new(FolderCatalogue::load(&arguments.runbooks)?);
    let assistant = ExtractiveAssistant::new(Arc::new(read_documents(&arguments.documents)?), Arc::clone(&runbooks));
    let keep_for = Duration::from_secs(arguments.revocations_kept_days.saturating_mul(SECONDS_PER_DAY));
    let trust = TrustBook::load(Arc::clone(&backbone), Arc::new(SystemClock), Arc::clone(&metrics), keep_for);
    let trust = trust.await.context("cannot read what is revoked")?;
    let event_schemas = read_event_schemas(arguments.event_schemas.as_deref())?;
    let state = AppState::new(
        backbone,
        Arc::new(SystemClock),
        Arc::new(transaction_keys),
        Arc::new(assistant),
        runbooks,
        Arc::new(trust),
        metrics,
    );
    Ok(state.with_event_schemas(event_schemas))
}

fn read_event_schemas(folder: Option<&Path>) -> anyhow::Result<EventSchemas> {
    let Some(folder) = folder else { return Ok(EventSchemas::default()) };
    let schemas = EventSchemas::load(folder)?;
    tracing::info!(types = schemas.count(), "event schemas are read");
    Ok(schemas)
}

fn read_documents(folder: &Path) -> anyhow::Result<Knowledge> {
    let knowledge = Knowledge::load(folder)?;
    for skipped in knowledge.skipped() {
        tracing::warn!(file = skipped.file, reason = %skipped.reason, "a document was left out");
    }
    if knowledge.document_count() == 0 {
        tracing::warn!(folder = %folder.display(), "there is no Markdown document: no question will be answered");
    }
    tracing::info!(documents = knowledge.document_count(), sections = knowledge.section_count(), "documents are read");
    Ok(knowledge)
}

/// Standard output is for the one line that says where the service listens; the log goes to standard error.
pub(crate) fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_env("WATCHGATE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::retention::Retention;
    use crate::backbone::{Batch, EventFilter};

    #[test]
    fn the_store_is_closed_in_order_although_tasks_and_reads_still_hold_it() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let store = SqliteBackbone::open(
            folder.path(),
            Retention::default(),
            Arc::new(SystemClock),
            Metrics::default().jobs_per_commit,
        )
        .unwrap();
        let store: Arc<dyn Backbone> = Arc::new(store);
        runtime.block_on(store.commit(Batch::default())).unwrap();
        for _ in 0..8 {
            let held = Arc::clone(&store);
            runtime.spawn(async move {
                loop {
                    held.query(EventFilter { limit: 1, ..EventFilter::default() }).await.unwrap();
                }
            });
        }
        assert!(close(runtime, store));
        assert!(!folder.path().join("watchgate.sqlite-wal").exists());
    }
}
