//! A replica of Watchgate's service as a child process.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use programs::nats::NatsServer;

use super::layout::Layout;
use crate::guardian::Guardian;
use crate::process::{Process, tail};
use crate::wait::until;
use crate::{artifacts, client};

const READY_WITHIN: Duration = Duration::from_secs(30);

/// What all replicas of the service have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) documents: Vec<PathBuf>,
    pub(crate) runbooks: PathBuf,
    pub(crate) event_schemas: PathBuf,
    pub(crate) assistant: Option<PathBuf>,
    pub(crate) watches: Option<PathBuf>,
    pub(crate) sessions: Option<PathBuf>,
    pub(crate) console: Option<PathBuf>,
    pub(crate) mutual_tls: bool,
    pub(crate) tracing: Option<String>,
    pub(crate) drain: Duration,
    pub(crate) guardian: Arc<Guardian>,
}

/// What one replica needs to start, again and again on the same port.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) layout: Layout,
    /// Counted from 1.
    pub(crate) number: usize,
    pub(crate) nats: Option<Arc<NatsServer>>,
    pub(crate) shared: Arc<Shared>,
}

impl Service {
    /// What its log is called.
    pub(crate) fn name(&self) -> String {
        if self.number == 1 { "service".to_owned() } else { format!("service-{}", self.number) }
    }

    /// Starts it, on any port when `listen` has port 0, and waits until it is ready. Gives its URL.
    pub(crate) async fn start(&self, listen: &str) -> Result<(Process, String)> {
        let log = self.layout.log(&self.name());
        let written_before = std::fs::metadata(&log).map_or(0, |metadata| metadata.len());
        let mut process = Process::start(&mut self.command(listen)?, &log, &self.shared.guardian)?;

        let said_before = usize::try_from(written_before).unwrap_or_default();
        let tls = self.layout.service_tls();
        let client = if self.shared.mutual_tls { client::with_certificate(&tls, "traefik")? } else { client::plain()? };
        let url = until("the service is ready", READY_WITHIN, async || {
            if let Some(status) = process.ended() {
                bail!("the service ended ({status}): {}", tail(&process.log()));
            }
            let log = process.log();
            let Some(url) = listening(log.get(said_before..).unwrap_or_default()) else { return Ok(None) };
            let answer = client.get(format!("{url}/readyz")).send().await;
            Ok(answer.is_ok_and(|answer| answer.status().is_success()).then_some(url))
        })
        .await
        .with_context(|| format!("the service did not start, its log is {}", log.display()))?;
        Ok((process, url))
    }

    fn command(&self, listen: &str) -> Result<Command> {
        let mut command = Command::new(artifacts::watchgate()?);
        command.args(["serve", "--listen", listen, "--log-format", "text"]);
        command.arg("--data-dir").arg(self.layout.data(self.number));
        for documents in &self.shared.documents {
            command.arg("--documents").arg(documents);
        }
        command.arg("--drain-seconds").arg(self.shared.drain.as_secs().to_string());
        if let Some(collector) = &self.shared.tracing {
            command.arg("--otlp-endpoint").arg(collector);
        }
        command.arg("--runbooks").arg(&self.shared.runbooks);
        command.arg("--event-schemas").arg(&self.shared.event_schemas);
        if let Some(assistant) = &self.shared.assistant {
            command.arg("--assistant").arg(assistant);
        }
        if let Some(watches) = &self.shared.watches {
            command.arg("--watches").arg(watches);
        }
        if let Some(sessions) = &self.shared.sessions {
            command.arg("--sessions").arg(sessions);
        }
        if let Some(console) = &self.shared.console {
            command.arg("--console").arg(console);
        }
        command.arg("--transaction-keys").arg(self.layout.keys().join("service/transaction.keys"));
        if self.shared.mutual_tls {
            let tls = self.layout.service_tls();
            command.arg("--tls-cert").arg(tls.join("server.pem")).arg("--tls-key").arg(tls.join("server.key"));
            command.arg("--client-ca").arg(tls.join("ca.pem"));
        }
        if let Some(nats) = &self.nats {
            command.arg("--nats").arg(nats.url()).arg("--nats-ca").arg(nats.ca());
            command.arg("--nats-certificate").arg(nats.certificate()).arg("--nats-key").arg(nats.key());
            command.arg("--nats-user").arg(nats.user()).arg("--nats-password-file").arg(nats.password_file());
            command.arg("--nats-audit-user").arg(nats.audit_user());
            command.arg("--nats-audit-password-file").arg(nats.audit_password_file());
        }
        Ok(command)
    }
}

/// The URL in the one line that the service prints when it listens.
fn listening(log: &str) -> Option<String> {
    log.lines().find_map(|line| line.strip_prefix("watchgate: listening on ")).map(|url| url.trim().to_owned())
}
