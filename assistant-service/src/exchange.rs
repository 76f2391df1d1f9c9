//! `watchgate exchange`: asks providers about opaque tokens (RFC 7662) for Traefik's `forwardAuth`, and answers with phantom
//! tokens that the gate can check by itself.
//!
//! ```text
//! headers ▶ Credential ▶ known phantom, or: Provider ▶ ActiveToken ▶ Phantom ▶ Authorization of the forwarded request
//! ```
//!
//! A process of its own, because the gate may open no socket, and because who holds a provider's secret and a signing key should
//! read nothing else.

pub(crate) mod client_authentication;
mod credential;
mod discovery;
mod introspection;
mod metrics;
mod phantom;
mod phantoms;
mod provider;
mod refusal;
mod routes;
mod service;
pub(crate) mod settings;
pub(crate) mod signing_key;
pub(crate) mod sources;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::serve::ListenerExt;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::clock::SystemClock;
use crate::config_file;
use crate::connections::{self, Bounds};
use crate::serve::{LogFormat, start_log};
use service::Exchange;
use settings::Settings;

pub(crate) const AFTER_HELP: &str = "\
Runs until SIGTERM. Exits with 1 when the settings have a mistake, with 2 when it cannot run.

Examples:
  watchgate exchange --config /etc/watchgate/exchange.yml --check
  watchgate exchange --config /etc/watchgate/exchange.yml";

/// Where the settings are.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The settings, a YAML file such as traefik-config/exchange.yml.
    #[arg(long, env = "WATCHGATE_EXCHANGE_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Find every mistake in the settings, and the first file that they name and that is of no use; and do nothing else.
    #[arg(long)]
    check: bool,
    /// How the log is written, to standard error.
    #[arg(long, env = "WATCHGATE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// Nobody waits longer for an answer than for a provider's.
const GRACE: Duration = Duration::from_secs(3);

/// Answers until SIGTERM or SIGINT. With `--check` says whether the settings, and the files that they name, are without mistakes.
pub fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let file = arguments.config.display();
    let Some(settings) = config_file::load(&arguments.config, Settings::read)? else { return Ok(false) };
    let listen = settings.listen;
    let exchange = Exchange::open(settings, Arc::new(SystemClock))?;
    if arguments.check {
        println!("{file}: no mistakes");
        return Ok(true);
    }
    start_log(arguments.log_format);
    if !listen.ip().is_loopback() {
        tracing::warn!(%listen, "whoever reaches this address can have tokens exchanged: let nobody but Traefik do so");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(listen, exchange))?;
    Ok(true)
}

async fn serve(listen: std::net::SocketAddr, exchange: Exchange) -> anyhow::Result<()> {
    // Caught before anybody can know that the exchange is there: whoever ends it right away ends it in order.
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}; choose a free address"))?;
    writeln!(std::io::stdout(), "watchgate: listening on http://{}", listener.local_addr()?)?;
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays with Nagle's algorithm");
        }
    });
    let (ending, mut ended) = tokio::sync::watch::channel(false);
    let until_signal = async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        ending.send_replace(true);
    };
    let out_of_grace = async move {
        // An error says that the sender is gone, which it is only after the signal.
        let _ = ended.wait_for(|is_ending| *is_ending).await;
        tokio::time::sleep(GRACE).await;
    };
    let routes = routes::routes(Arc::new(exchange));
    tokio::select! {
        () = connections::answer(listener, routes, Bounds::of_a_service(), until_signal) => {}
        () = out_of_grace => tracing::warn!("requests that were still under way have been cut off"),
    }
    Ok(())
}
