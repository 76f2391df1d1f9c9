//! Traefik as a child process, on ports that it may have to look for more than once.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::StatusCode;

use super::layout::{Differences, Layout, Observed};
use super::options::GateFolder;
use crate::guardian::Guardian;
use crate::process::{Process, tail};
use crate::wait::until;
use crate::{artifacts, client, ports};

const READY_WITHIN: Duration = Duration::from_secs(30);
const ATTEMPTS: usize = 5;

/// A running Traefik and its ports.
#[derive(Debug)]
pub(crate) struct Traefik {
    pub(crate) process: Process,
    pub(crate) https_port: u16,
    pub(crate) http_port: u16,
}

/// What the stage wants of Traefik.
pub(crate) struct Wanted<'a> {
    pub(crate) back_ends: &'a [String],
    pub(crate) gate: Option<&'a serde_json::Value>,
    pub(crate) dynamic: Option<&'a serde_json::Value>,
    pub(crate) listens_everywhere: bool,
    pub(crate) gate_alone: bool,
    pub(crate) gate_folder: GateFolder,
    pub(crate) behind_proxy: bool,
    pub(crate) read_timeout: Option<&'static str>,
    pub(crate) containers: Option<&'a std::path::Path>,
    pub(crate) mutual_tls: bool,
    pub(crate) observed: &'a Observed,
}

/// Puts a file system without a byte or a name to spare in a folder's place, for this program and what it starts alone.
const IN_A_FULL_FOLDER: &str =
    r#"mount -t tmpfs -o size=4k,nr_inodes=2 none "$1" && head -c 4096 /dev/zero > "$1/full" && shift && exec "$@""#;

/// Starts Traefik and waits until it answers for the stage's routes.
pub(crate) async fn start(layout: &Layout, wanted: &Wanted<'_>, guardian: &Arc<Guardian>) -> Result<Traefik> {
    let mut attempt = 1;
    loop {
        match start_once(layout, wanted, guardian).await {
            // Between our look and Traefik's bind another program may have taken the port.
            Err(error) if attempt < ATTEMPTS && format!("{error:#}").contains("address already in use") => {
                attempt = attempt.saturating_add(1);
            }
            started => return started,
        }
    }
}

async fn start_once(layout: &Layout, wanted: &Wanted<'_>, guardian: &Arc<Guardian>) -> Result<Traefik> {
    let (https_port, http_port) = (ports::free()?, ports::free()?);
    layout.write_traefik(&Differences {
        https_port,
        http_port,
        back_ends: wanted.back_ends,
        gate: wanted.gate,
        dynamic: wanted.dynamic,
        listens_everywhere: wanted.listens_everywhere,
        gate_alone: wanted.gate_alone,
        gate_folder: wanted.gate_folder,
        behind_proxy: wanted.behind_proxy,
        read_timeout: wanted.read_timeout,
        containers: wanted.containers,
        mutual_tls: wanted.mutual_tls,
        observed: wanted.observed,
    })?;
    let log = layout.log(layout.gateway);
    std::fs::write(&log, "").with_context(|| format!("{} cannot be written", log.display()))?;
    let mut command = match wanted.gate_folder {
        GateFolder::Full => {
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", "--mount", "sh", "-c", IN_A_FULL_FOLDER, "sh"]);
            command.arg(layout.gate()).arg(artifacts::traefik()?);
            command
        }
        GateFolder::Shared | GateFolder::ReadOnly => Command::new(artifacts::traefik()?),
    };
    command.arg("--configFile=traefik.yml").current_dir(layout.traefik());
    let mut process = Process::start(&mut command, &log, guardian)?;

    let client = client::https(&layout.ca())?;
    let url = format!("https://localhost:{https_port}/healthz");
    until("Traefik has its routes", READY_WITHIN, async || {
        if let Some(status) = process.ended() {
            bail!("Traefik ended ({status}): {}", tail(&process.log()));
        }
        // Before it has read its dynamic files Traefik answers 404; after that every path has a route.
        let answer = client.get(&url).send().await;
        Ok(answer.is_ok_and(|answer| answer.status() != StatusCode::NOT_FOUND).then_some(()))
    })
    .await
    .with_context(|| format!("Traefik did not start, its log is {}:\n{}", log.display(), tail(&process.log())))?;
    Ok(Traefik { process, https_port, http_port })
}
