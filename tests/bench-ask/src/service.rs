//! The real service over the corpus, as a process of its own.

use std::env;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use measuring::gate_word::{Caller, GateWord};
use programs::artifacts;
use programs::guardian::Guardian;
use programs::process::{Process, tail};

use crate::corpus::Corpus;

/// A service that needs longer has hung.
const READY_WITHIN: Duration = Duration::from_secs(1800);

const ASKER: Caller = Caller {
    issuer: "https://issuer.watchgate.test",
    subject: "bench",
    scope: "assistant:ask documents:security",
    rule: "assistant",
    event_types: &[],
};

/// Where everything of a run lies: on the disk that the workspace is on, for /tmp may be memory, where a sync costs nothing.
pub(crate) struct Ground {
    pub(crate) folder: PathBuf,
    pub(crate) word: GateWord,
    guardian: Arc<Guardian>,
}

impl Ground {
    pub(crate) fn new() -> Result<Ground> {
        let kept = artifacts::root().join("target/bench");
        fs::create_dir_all(&kept)?;
        let folder = tempfile::Builder::new().prefix("ask-").tempdir_in(kept)?.keep();
        let guardian = Arc::new(Guardian::start(env::var_os("WATCHGATE_KEEP").is_none().then_some(&folder))?);
        let word = GateWord::new(&folder, ASKER)?;
        Ok(Ground { folder, word, guardian })
    }
}

/// A running service; killed when dropped.
pub(crate) struct Service {
    process: Process,
    pub(crate) port: u16,
    pub(crate) begun: Instant,
}

impl Service {
    /// Starts it, and returns when it listens.
    pub(crate) fn start(ground: &Ground, corpus: &Corpus) -> Result<Service> {
        let data = tempfile::Builder::new().prefix("data-").tempdir_in(&ground.folder)?.keep();
        let mut command = Command::new(artifacts::watchgate()?);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command.arg("--documents").arg(&corpus.folder);
        command.arg("--runbooks").arg(artifacts::root().join("examples/company/runbooks"));
        command.arg("--data-dir").arg(data).arg("--transaction-keys").arg(ground.word.file());
        let log = tempfile::Builder::new().prefix("service-").suffix(".log").tempfile_in(&ground.folder)?;
        let (_, log) = log.keep()?;
        let begun = Instant::now();
        let mut process = Process::start(&mut command, &log, &ground.guardian)?;
        loop {
            if let Some(port) = listening(&process.log()) {
                return Ok(Service { process, port, begun });
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
    pub(crate) fn wait_until_ready(&self) -> Result<Duration> {
        while !self.is_ready()? {
            if self.begun.elapsed() > READY_WITHIN {
                bail!("the service does not become ready:\n{}", tail(&self.process.log()));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(self.begun.elapsed())
    }

    pub(crate) fn is_ready(&self) -> Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).context("the service does not listen")?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200 "))
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Ends it in order; gives how long that took.
    pub(crate) fn end(mut self) -> Duration {
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
