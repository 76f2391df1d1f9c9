//! `watchgate probe`: comes through Traefik from outside, as any client does, and looks whether the platform does what it must.
//!
//! ```text
//! round: gateway ▶ service ▶ token ▶ gate · event · ask · command · session · revocation ▶ Findings
//!                                                                   Findings ▶ Alerts ▶ Outbox ▶ receivers
//! ```
//!
//! A process of its own, which shares nothing with what it looks at: no store, no key, no folder (docs/decisions/0029-live-checks.md).

#[cfg(test)]
mod against;
mod alerts;
mod attacks;
mod check;
mod checks;
mod credential;
mod deliver;
mod gateway;
mod live;
mod metrics;
mod notice;
mod outbox;
mod prober;
mod report;
mod settings;
mod status;
mod through_gateway;
mod walk;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::clock::{SystemClock, millis};
use crate::config_file;
use crate::connections::{self, Bounds};
use crate::serve::{LogFormat, start_log};
use alerts::Origin;
use check::{Finding, Outcome};
use deliver::{Webhook, deliver};
use metrics::Metrics;
use notice::Wire;
use outbox::Outbox;
use prober::Prober;
use settings::{GATEWAY, Settings};
use status::{Board, Shown, routes};
use through_gateway::ThroughGateway;

/// Whose the events are that receivers outside get; through the gateway they are the principal's own.
const SOURCE: &str = "urn:watchgate:probe";

/// Connections at once of those who look at the status.
const LOOKERS: usize = 64;

pub(crate) const AFTER_HELP: &str = "\
Runs until SIGTERM; how things are stands at http://127.0.0.1:9465/. With --once it looks once, tells no receiver, and exits with 1 when a
check failed. Exits with 1 when the settings have a mistake, with 2 when it cannot run.

Examples:
  watchgate probe --config /etc/watchgate/probe.yml --check
  watchgate probe --config /etc/watchgate/probe.yml --once
  watchgate probe --config /etc/watchgate/probe.yml";

/// Where the settings are, and how long to look.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The settings, a YAML file such as traefik-config/probe.yml.
    #[arg(long, env = "WATCHGATE_PROBE_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Find every mistake in the settings, and do nothing else.
    #[arg(long)]
    check: bool,
    /// Make every check once and print what came of it.
    #[arg(long, conflicts_with = "check")]
    once: bool,
    /// With --once: JSON, for programs.
    #[arg(long, requires = "once")]
    json: bool,
    /// How the log is written, to standard error.
    #[arg(long, env = "WATCHGATE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// Looks until SIGTERM or SIGINT. With `--once` says whether everything passed; with `--check`, whether the settings are without mistakes.
pub fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let Some(settings) = config_file::load(&arguments.config, Settings::read)? else { return Ok(false) };
    if arguments.check {
        println!("{}: no mistakes", arguments.config.display());
        return Ok(true);
    }
    start_log(arguments.log_format);
    let prober = Prober::new(Arc::new(settings), Arc::new(SystemClock));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if arguments.once {
        let round = runtime.block_on(prober.round());
        let text = if arguments.json { format!("{:#}\n", report::json(&round)) } else { report::printed(&round) };
        std::io::stdout().write_all(text.as_bytes())?;
        return Ok(round.has_passed());
    }
    runtime.block_on(watch(prober))?;
    Ok(true)
}

async fn watch(prober: Prober) -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let settings = Arc::clone(&prober.settings);
    let checks = prober.checks();
    let mut rows: Vec<_> = settings.receivers.iter().map(|receiver| receiver.name.clone()).collect();
    rows.push(GATEWAY.to_owned());
    let now = millis(prober.clock.now());
    let origin = Origin::of(&settings);
    let outbox = Arc::new(Outbox::open(settings.state_file.clone(), &rows, &checks, &origin, now)?);
    prober.go_on_with(outbox.let_through().await);
    let (board, metrics) = (Arc::new(Board::default()), Arc::new(Metrics::default()));

    let listen = settings.listen;
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}; choose a free address"))?;
    writeln!(std::io::stdout(), "watchgate: listening on http://{}", listener.local_addr()?)?;
    let shown = Shown {
        gateway: origin.gateway,
        interval: settings.interval,
        checks,
        board: Arc::clone(&board),
        outbox: Arc::clone(&outbox),
        metrics: Arc::clone(&metrics),
    };
    let mut beside = JoinSet::new();
    // Ends with the process; should it end before, looking goes on.
    beside.spawn(connections::answer(listener, routes(Arc::new(shown)), Bounds::few(LOOKERS), std::future::pending()));
    deliver_to_all(&prober, &outbox, &metrics, &mut beside);

    tokio::select! {
        () = rounds(&prober, &outbox, &board, &metrics) => {}
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    // What waits is in the file. A delivery that is under way may be heard and not be known to be: it comes again.
    beside.shutdown().await;
    Ok(())
}

fn deliver_to_all(prober: &Prober, outbox: &Arc<Outbox>, metrics: &Arc<Metrics>, beside: &mut JoinSet<()>) {
    let wire = Arc::new(Wire::of(&prober.settings));
    for receiver in &prober.settings.receivers {
        let webhook = Webhook::new(receiver.clone(), Arc::clone(&wire), SOURCE.to_owned());
        let (outbox, metrics) = (Arc::clone(outbox), Arc::clone(metrics));
        beside.spawn(async move { deliver(&webhook, &outbox, &metrics).await });
    }
    let through = ThroughGateway::new(prober);
    let (outbox, metrics) = (Arc::clone(outbox), Arc::clone(metrics));
    beside.spawn(async move { deliver(&through, &outbox, &metrics).await });
}

/// A round each interval; one that takes longer is followed by the next at the next beat.
async fn rounds(prober: &Prober, outbox: &Outbox, board: &Board, metrics: &Metrics) {
    let mut beats = tokio::time::interval(prober.settings.interval);
    beats.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        beats.tick().await;
        let round = prober.round().await;
        metrics.round(&round.findings, &round.attacks, prober.clock.now().unix_timestamp());
        board.put(&round);
        for Finding { check, outcome, .. } in &round.findings {
            if let Outcome::Failed(reason) = outcome {
                tracing::warn!(check = check.name(), reason, "a check failed");
            }
        }
        outbox.keep_let_through(prober.let_through()).await;
        for notice in outbox.take(&round.findings, millis(prober.clock.now())).await {
            let (check, id) = (notice.alert.check.name(), notice.alert.id);
            match notice.ended {
                None => tracing::error!(check, %id, reason = notice.alert.reason, "an alert begins"),
                Some(_) => tracing::info!(check, %id, "an alert is over"),
            }
        }
    }
}
