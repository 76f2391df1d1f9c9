//! Services as processes of their own, started, waited for and ended.

use std::env;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use programs::artifacts;
use programs::guardian::Guardian;
use programs::nats::NatsServer;
use programs::process::{Process, tail};

use crate::gate_word::{Caller, GateWord};

/// A service that needs longer has hung: it may have to read a long log or many documents.
const READY_WITHIN: Duration = Duration::from_secs(1800);

/// Where everything of a run lies: on the disk that the workspace is on, for /tmp may be memory, where a sync costs nothing.
pub struct Ground {
    /// The folder.
    pub folder: PathBuf,
    /// The gate's word, which the services of this run believe.
    pub word: GateWord,
    guardian: Arc<Guardian>,
}

impl Ground {
    /// A fresh folder whose name begins so; it is removed at the end unless `WATCHGATE_KEEP` is set.
    pub fn new(prefix: &str, caller: Caller) -> Result<Ground> {
        let kept = artifacts::root().join("target/bench");
        fs::create_dir_all(&kept)?;
        let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(kept)?.keep();
        let guardian = Arc::new(Guardian::start(env::var_os("WATCHGATE_KEEP").is_none().then_some(&folder))?);
        let word = GateWord::new(&folder, caller)?;
        Ok(Ground { folder, word, guardian })
    }
}

/// A running service; killed when dropped.
pub struct Service {
    process: Process,
    /// Where it listens on the loopback address.
    pub port: u16,
    begun: Instant,
    /// From its first instruction until it listened.
    pub started_in: Duration,
}

impl Service {
    /// `watchgate serve` with these folders, on a store below `data`.
    pub fn real(
        ground: &Ground,
        documents: &Path,
        runbooks: &Path,
        data: &Path,
        nats: Option<&NatsServer>,
    ) -> Result<Service> {
        let mut command = Command::new(artifacts::watchgate()?);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command.arg("--documents").arg(documents).arg("--runbooks").arg(runbooks);
        Service::start(command, ground, data, nats)
    }

    /// A program that takes the arguments of `watchgate serve` about its store, and says where it listens as that does; gives it when it
    /// listens.
    pub fn start(mut command: Command, ground: &Ground, data: &Path, nats: Option<&NatsServer>) -> Result<Service> {
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
                return Ok(Service { process, port, begun, started_in: begun.elapsed() });
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

    /// Waits until it says that it can work; gives how long that took from its first instruction.
    pub fn wait_until_ready(&self) -> Result<Duration> {
        while !self.is_ready()? {
            if self.begun.elapsed() > READY_WITHIN {
                bail!("the service does not become ready:\n{}", tail(&self.process.log()));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(self.begun.elapsed())
    }

    /// Whether it says that it can work.
    pub fn is_ready(&self) -> Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).context("the service does not listen")?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200 "))
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Ends it in order; gives how long that took.
    pub fn end(mut self) -> Duration {
        let begun = Instant::now();
        self.process.terminate(Duration::from_secs(120));
        begun.elapsed()
    }
}

/// The port in the one line that a service prints when it listens.
fn listening(log: &str) -> Option<u16> {
    let url = log.lines().find_map(|line| line.strip_prefix("watchgate: listening on http://"))?;
    url.trim().rsplit_once(':')?.1.parse().ok()
}
