//! The service under test, in a process of its own: the real routes in their real layers, on a store that is chosen, so that two
//! of them differ in the store and nothing else.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use assistant_service::app::app;
use assistant_service::assistant::ExtractiveAssistant;
use assistant_service::backbone::Backbone;
use assistant_service::backbone::jetstream::{JetStreamBackbone, NatsArguments};
use assistant_service::backbone::retention::Retention;
use assistant_service::backbone::sqlite::SqliteBackbone;
use assistant_service::clock::SystemClock;
use assistant_service::gate::FileTransactionKeys;
use assistant_service::knowledge::Knowledge;
use assistant_service::metrics::Metrics;
use assistant_service::runbooks::FolderCatalogue;
use assistant_service::state::AppState;
use assistant_service::trust::TrustBook;
use axum::serve::ListenerExt as _;
use clap::{Parser, ValueEnum};
use programs::artifacts;
use tokio::net::TcpListener;

use crate::nothing::Nothing;

/// By this word the program knows that it is to be a service.
pub(crate) const SERVE: &str = "serve-store";

const KEEP_REVOCATIONS_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// What it stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Store {
    Sqlite,
    Jetstream,
    Nothing,
}

/// Serves until it is killed.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    #[arg(long, value_enum)]
    store: Store,
    #[arg(long)]
    data_dir: PathBuf,
    #[arg(long)]
    transaction_keys: PathBuf,
    #[command(flatten)]
    nats: NatsArguments,
}

pub(crate) fn serve(arguments: Arguments) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let state = state(arguments).await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        writeln!(std::io::stdout(), "watchgate: listening on http://{}", listener.local_addr()?)?;
        let listener = listener.tap_io(|connection| {
            // As the real one; a connection that is gone is no error of ours.
            let _ = connection.set_nodelay(true);
        });
        axum::serve(listener, app(state)).await.context("the service stopped answering")
    })
}

async fn state(arguments: Arguments) -> Result<AppState> {
    let metrics = Arc::new(Metrics::default());
    let clock = Arc::new(SystemClock);
    let backbone = store(&arguments, &metrics).await?;
    let company = artifacts::root().join("examples/company");
    let runbooks = Arc::new(FolderCatalogue::load(&company.join("runbooks"))?);
    let knowledge = Arc::new(Knowledge::load(&company.join("documents"))?);
    let keys = FileTransactionKeys::open(arguments.transaction_keys, "assistant-service".to_owned())?;
    let trust =
        TrustBook::load(Arc::clone(&backbone), clock.clone(), Arc::clone(&metrics), KEEP_REVOCATIONS_FOR).await?;
    let assistant = Arc::new(ExtractiveAssistant::new(knowledge, runbooks.clone()));
    Ok(AppState::new(backbone, clock, Arc::new(keys), assistant, runbooks, Arc::new(trust), metrics))
}

async fn store(arguments: &Arguments, metrics: &Metrics) -> Result<Arc<dyn Backbone>> {
    let (folder, clock, histogram) = (&arguments.data_dir, Arc::new(SystemClock), metrics.jobs_per_commit.clone());
    Ok(match arguments.store {
        Store::Nothing => Arc::new(Nothing::new()),
        Store::Sqlite => Arc::new(SqliteBackbone::open(folder, Retention::default(), clock, histogram)?),
        Store::Jetstream => {
            let settings = arguments.nats.clone().settings().context("--nats is missing")?;
            Arc::new(JetStreamBackbone::join(folder, &settings, Retention::default(), clock, histogram).await?)
        }
    })
}
