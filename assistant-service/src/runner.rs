//! `watchgate runner`: carries runbooks out with Podman, Ansible or a webhook.
//!
//! ```text
//! lease ▶ Work ▶ own catalogue: same digest, parameters that fit ▶ Call ▶ journal ▶ steps ▶ checks ▶ undoing ▶ Ending
//! ```
//!
//! A process of its own, with a user and a token of its own: it can restart containers, so it reads no text that others
//! wrote but the parameters, and those never become a part of a command line, a path, a template or an address.

mod agent;
mod ansible;
mod call;
mod carry_out;
mod journal;
mod kinds;
mod late;
mod metrics;
mod podman;
mod processes;
mod step;
mod webhook;
mod work;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::Url;
use service_agent::TokenSource;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::loopback::{self, Listening, Loopback};
use crate::runbooks::{FollowedCatalogue, RunbookCatalogue};
use crate::serve::{LogFormat, start_log};
use agent::Gateway;
use ansible::Playbooks;
use carry_out::Runner;
use journal::Journal;
use kinds::Kinds;
use metrics::Metrics;
use podman::Podman;
use webhook::{AllowedHost, Webhooks};

/// The service as which it leases commands, and the subject of its token.
const SERVICE: &str = "runner";

pub(crate) const AFTER_HELP: &str = "\
Runs until SIGTERM; a command that is under way then is finished first. A kind of step without its setting is refused.

Example:
  watchgate runner --gateway https://gw.example.com --token-file token --runbooks runbooks --state /var/lib/watchgate-runner \\
    --podman-socket /run/user/1000/podman/podman.sock";

/// Where commands come from and with what they are carried out.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The gateway's address, such as `https://gw.example.com`.
    #[arg(long, env = "WATCHGATE_GATEWAY", value_name = "URL")]
    gateway: Url,
    /// The file that holds the runner's token, whose subject is `runner`; read for each call.
    #[arg(long, env = "WATCHGATE_TOKEN_FILE", value_name = "FILE")]
    token_file: PathBuf,
    /// Trust this authority of the gateway, in PEM, and no other.
    #[arg(long, env = "WATCHGATE_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The runner's own copy of the folder of runbooks.
    #[arg(long, env = "WATCHGATE_RUNBOOKS", value_name = "FOLDER")]
    runbooks: PathBuf,
    /// Where it writes down what it has begun; its own, on a disk that outlives it.
    #[arg(long, env = "WATCHGATE_RUNNER_STATE", value_name = "FOLDER")]
    state: PathBuf,
    /// Podman's socket, for steps with `podman`.
    #[arg(long, env = "WATCHGATE_PODMAN_SOCKET", value_name = "FILE")]
    podman_socket: Option<PathBuf>,
    /// The working copy of the playbooks, for steps with `ansible`.
    #[arg(long, env = "WATCHGATE_ANSIBLE_FOLDER", value_name = "FOLDER", requires = "ansible_playbook")]
    ansible_folder: Option<PathBuf>,
    /// The program `ansible-playbook`, of ansible-core 2.19.
    #[arg(long, env = "WATCHGATE_ANSIBLE_PLAYBOOK", value_name = "FILE", requires = "ansible_folder")]
    ansible_playbook: Option<PathBuf>,
    /// The Ed25519 key in PKCS#8 and PEM that requests are signed with, for steps with `webhook`.
    #[arg(long, env = "WATCHGATE_WEBHOOK_KEY", value_name = "FILE")]
    webhook_key: Option<PathBuf>,
    /// Trust these authorities of webhooks, in PEM, and no others.
    #[arg(long, env = "WATCHGATE_WEBHOOK_CA", value_name = "FILE", requires = "webhook_key")]
    webhook_ca: Option<PathBuf>,
    /// A host in the own network, or on this host, that webhooks may reach; may be said more than once.
    #[arg(
        long,
        env = "WATCHGATE_WEBHOOK_ALLOW",
        value_name = "HOST[:PORT]",
        value_delimiter = ',',
        requires = "webhook_key"
    )]
    webhook_allow: Vec<AllowedHost>,
    /// Answer `GET /metrics` on this address of this host, such as 127.0.0.1:9464; without it the runner listens nowhere.
    #[arg(long, env = "WATCHGATE_RUNNER_METRICS", value_name = "ADDRESS")]
    metrics: Option<Loopback>,
    /// How the log is written, to standard error.
    #[arg(long, env = "WATCHGATE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// Carries commands out until SIGTERM or SIGINT.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    start_log(arguments.log_format);
    let gateway = connect(arguments)?;
    let runner = Arc::new(open(arguments)?);
    late::end_what_was_left(&runner.journal).context("the journal cannot be read")?;
    // Playbooks end with the thread that has started them: that is this one.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut answering = answer(arguments.metrics, &runner).await?;
        let end = async {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = interrupted.recv() => {}
            }
            tracing::info!("ending; a command that is under way is finished first");
        };
        let mut end = std::pin::pin!(end);
        if let Some(podman) = &runner.kinds.podman {
            tokio::select! {
                () = &mut end => return Ok(()),
                done = late::put_in_order(&runner.journal, podman) => done.context("the journal cannot be read")?,
            }
        }
        tracing::info!(runbooks = runner.catalogue.list().len(), "commands are carried out");
        tokio::select! {
            () = gateway.serve(&runner, end) => {}
            () = late::tell(&runner, &gateway) => {}
        }
        answering.shutdown().await;
        Ok(())
    })
}

/// Answers what is asked about the runner, where an address is given. Should that end, commands go on.
async fn answer(address: Option<Loopback>, runner: &Arc<Runner>) -> anyhow::Result<JoinSet<()>> {
    let mut answering = JoinSet::new();
    let Some(address) = address else { return Ok(answering) };
    let listening = Listening::on(address).await.context("cannot listen for --metrics; choose a free address")?;
    writeln!(std::io::stdout(), "watchgate: metrics on http://{}/metrics", listening.address()?)?;
    let runner = Arc::clone(runner);
    let routes = loopback::metrics(move || runner.metrics_text());
    answering.spawn(listening.answer(routes));
    Ok(answering)
}

fn connect(arguments: &Arguments) -> anyhow::Result<Gateway> {
    let is_loopback = matches!(arguments.gateway.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if arguments.gateway.scheme() != "https" && !(arguments.gateway.scheme() == "http" && is_loopback) {
        bail!("--gateway must be an https address: the token would pass in the clear");
    }
    let authority = match &arguments.ca {
        Some(file) => Some(std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?),
        None => None,
    };
    let token = TokenSource::File(arguments.token_file.clone());
    Gateway::connect(arguments.gateway.as_str(), token, authority.as_deref())
        .context("the gateway cannot be called as given")
}

fn open(arguments: &Arguments) -> anyhow::Result<Runner> {
    let metrics = Metrics::default();
    let reloads_failed = metrics.runbook_reloads_failed.clone();
    let catalogue: Arc<dyn RunbookCatalogue> =
        Arc::new(FollowedCatalogue::open(arguments.runbooks.clone(), reloads_failed)?);
    let journal = Journal::open(&arguments.state)?;
    let ansible = match (&arguments.ansible_folder, &arguments.ansible_playbook) {
        (Some(folder), Some(program)) => Some(Playbooks::open(folder, program, journal.folder())?),
        _ => None,
    };
    let webhook = match &arguments.webhook_key {
        Some(key) => Some(Webhooks::open(key, arguments.webhook_ca.clone(), arguments.webhook_allow.clone())?),
        None => None,
    };
    let podman = match &arguments.podman_socket {
        Some(socket) => Some(Podman::open(socket)?),
        None => None,
    };
    Ok(Runner { catalogue, kinds: Kinds { podman, ansible, webhook }, journal, metrics })
}
