//! Services as processes of their own: this program as one on a chosen store, or the real one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use measuring::gate_word::{Caller, GateWord};
use programs::artifacts;
use programs::guardian::Guardian;
use programs::nats::NatsServer;
use programs::process::{Process, tail};

use crate::event::{ISSUER, SENDER};
use crate::server::SERVE;

/// A replica may have to read a long log before it listens.
const READY_WITHIN: Duration = Duration::from_secs(1800);

const SENDING: Caller = Caller {
    issuer: ISSUER,
    subject: SENDER,
    scope: "events:read events:write",
    rule: "events-write",
    event_types: &["com.example.telemetry.*"],
};

/// Where everything of a run lies: on the disk that the workspace is on, for /tmp may be memory, where a sync costs nothing.
pub(crate) struct Ground {
    pub(crate) folder: PathBuf,
    pub(crate) word: GateWord,
    pub(crate) guardian: Arc<Guardian>,
}

impl Ground {
    pub(crate) fn new() -> Result<Ground> {
        let kept = artifacts::root().join("target/bench");
        fs::create_dir_all(&kept)?;
        let folder = tempfile::Builder::new().prefix("events-").tempdir_in(kept)?.keep();
        let guardian = Arc::new(Guardian::start(env::var_os("WATCHGATE_KEEP").is_none().then_some(&folder))?);
        let word = GateWord::new(&folder, SENDING)?;
        Ok(Ground { folder, word, guardian })
    }
}

/// A running service; killed when dropped.
pub(crate) struct Service {
    process: Process,
    pub(crate) port: u16,
    /// From its first instruction until it listened.
    pub(crate) started_in: Duration,
}

impl Service {
    /// This program as a service on a store below a folder of that name.
    pub(crate) fn on(ground: &Ground, store: &str, name: &str, nats: Option<&NatsServer>) -> Result<Service> {
        let mut command = Command::new(env::current_exe()?);
        command.args([SERVE, "--store", store]);
        Service::start(command, ground, &ground.folder.join(name), nats)
    }

    /// `watchgate serve` on a store below `data`.
    pub(crate) fn real(ground: &Ground, data: &Path, nats: Option<&NatsServer>) -> Result<Service> {
        let company = artifacts::root().join("examples/company");
        let mut command = Command::new(artifacts::watchgate()?);
        command.args(["serve", "--listen", "127.0.0.1:0"]).env("WATCHGATE_LOG", "warn");
        command.arg("--documents").arg(company.join("documents")).arg("--runbooks").arg(company.join("runbooks"));
        Service::start(command, ground, data, nats)
    }

    fn start(mut command: Command, ground: &Ground, data: &Path, nats: Option<&NatsServer>) -> Result<Service> {
        command.arg("--data-dir").arg(data).arg("--transaction-keys").arg(ground.word.file());
        if let Some(nats) = nats {
            command.arg("--nats").arg(nats.url()).arg("--nats-ca").arg(nats.ca());
            command.arg("--nats-certificate").arg(nats.certificate()).arg("--nats-key").arg(nats.key());
            command.arg("--nats-user").arg(nats.user()).arg("--nats-password-file").arg(nats.password_file());
        }
        let log = tempfile::Builder::new().prefix("service-").suffix(".log").tempfile_in(&ground.folder)?;
        let (_, log) = log.keep()?;
        let begun = Instant::now();
        let mut process = Process::start(&mut command, &log, &ground.guardian)?;
        loop {
            if let Some(port) = listening(&process.log()) {
                return Ok(Service { process, port, started_in: begun.elapsed() });
            }
            if let Some(status) = process.ended() {
                bail!("the service ended ({status}):\n{}", tail(&process.log()));
            }
            if begun.elapsed() > READY_WITHIN {
                bail!("the service does not listen:\n{}", tail(&process.log()));
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it in order.
    pub(crate) fn end(mut self) {
        self.process.terminate(Duration::from_secs(60));
    }
}

/// The port in the one line that a service prints when it listens.
fn listening(log: &str) -> Option<u16> {
    let url = log.lines().find_map(|line| line.strip_prefix("watchgate: listening on http://"))?;
    url.trim().rsplit_once(':')?.1.parse().ok()
}

/// The connection that a service would have to this server.
pub(crate) fn settings(server: &NatsServer) -> Result<assistant_service::backbone::jetstream::StreamSettings> {
    use assistant_service::backbone::jetstream::{ConnectionSettings, StreamSettings, User};
    let connection = ConnectionSettings {
        servers: vec![server.url().parse().context("the server's address")?],
        ca: Some(server.ca()),
        certificate: Some((server.certificate(), server.key())),
        user: Some(User { name: server.user().to_owned(), password_file: server.password_file() }),
    };
    Ok(StreamSettings { connection, audit: None, stream: "WATCHGATE".to_owned(), replicas: 1 })
}
