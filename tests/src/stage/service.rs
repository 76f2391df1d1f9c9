//! Watchgate's service as a child process.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::layout::Layout;
use crate::guardian::Guardian;
use crate::process::{Process, tail};
use crate::wait::until;
use crate::{artifacts, client};

const READY_WITHIN: Duration = Duration::from_secs(30);

/// What the service needs to start, again and again on the same port.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) layout: Layout,
    pub(crate) documents: PathBuf,
    pub(crate) runbooks: PathBuf,
    pub(crate) event_schemas: PathBuf,
    pub(crate) mutual_tls: bool,
    pub(crate) guardian: Arc<Guardian>,
}

impl Service {
    /// Starts it, on any port when `listen` has port 0, and waits until it is ready. Gives its URL.
    pub(crate) async fn start(&self, listen: &str) -> Result<(Process, String)> {
        let mut command = Command::new(artifacts::watchgate()?);
        command.args(["serve", "--listen", listen, "--log-format", "text"]);
        command.arg("--data-dir").arg(self.layout.data());
        command.arg("--documents").arg(&self.documents);
        command.arg("--runbooks").arg(&self.runbooks);
        command.arg("--event-schemas").arg(&self.event_schemas);
        command.arg("--transaction-keys").arg(self.layout.keys().join("service/transaction.keys"));
        let tls = self.layout.service_tls();
        if self.mutual_tls {
            command.arg("--tls-cert").arg(tls.join("server.pem")).arg("--tls-key").arg(tls.join("server.key"));
            command.arg("--client-ca").arg(tls.join("ca.pem"));
        }
        let log = self.layout.log("service");
        let written_before = std::fs::metadata(&log).map_or(0, |metadata| metadata.len());
        let mut process = Process::start(&mut command, &log, &self.guardian)?;

        let said_before = usize::try_from(written_before).unwrap_or_default();
        let client = if self.mutual_tls { client::with_certificate(&tls, "traefik")? } else { client::plain()? };
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
}

/// The URL in the one line that the service prints when it listens.
fn listening(log: &str) -> Option<String> {
    log.lines().find_map(|line| line.strip_prefix("watchgate: listening on ")).map(|url| url.trim().to_owned())
}
