//! The real NATS server on a free port, by the configuration that users copy: TLS with client certificates, one user for
//! the service's replicas and one who may only ask how the server syncs.

mod files;

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::guardian::Guardian;
use crate::process::{Process, tail};
use crate::{artifacts, ports};
use files::Files;

const READY_WITHIN: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(10);
const ATTEMPTS: usize = 5;

/// What the server shall be.
#[derive(Clone, Debug, Default)]
pub struct NatsOptions {
    /// When it syncs what it has acknowledged.
    pub sync: Sync,
    /// How many bytes its streams may have in all, in place of the shipped bound.
    pub max_file_store: Option<u64>,
    /// Where its streams lie, in place of a folder beside its other files.
    pub data: Option<PathBuf>,
    /// Where its files lie, and stay; without it, in a folder that goes when the program ends.
    pub folder: Option<PathBuf>,
}

/// When a server syncs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sync {
    /// Before it acknowledges, as shipped.
    #[default]
    Always,
    /// Every two minutes, as NATS does unless told otherwise.
    Default,
}

/// A running NATS server; killed when dropped.
#[derive(Debug)]
pub struct NatsServer {
    files: Files,
    port: u16,
    process: Mutex<Option<Process>>,
    // Last, so that it outlives what it guards.
    guardian: Arc<Guardian>,
}

impl NatsServer {
    /// Starts it and waits until it answers.
    pub fn start(options: &NatsOptions) -> Result<NatsServer> {
        let (folder, temporary) = match &options.folder {
            Some(folder) => (folder.clone(), false),
            None => (tempfile::Builder::new().prefix("watchgate-nats-").tempdir()?.keep(), true),
        };
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let tidy = temporary && std::env::var_os("WATCHGATE_KEEP").is_none();
        let guardian = Arc::new(Guardian::start(tidy.then_some(folder.as_path()))?);
        let data = options.data.clone().unwrap_or_else(|| folder.join("data"));
        let files = Files { folder, data };
        files.make()?;
        let (process, port) = start_on_any_port(&files, options, &guardian)?;
        Ok(NatsServer { files, port, process: Mutex::new(Some(process)), guardian })
    }

    /// Where it is: `tls://localhost:<port>`.
    pub fn url(&self) -> String {
        format!("tls://localhost:{}", self.port)
    }

    /// Its port, for those who stand between it and its clients.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The authority that signed its certificate and its clients'.
    pub fn ca(&self) -> PathBuf {
        self.files.tls().join("ca.pem")
    }

    /// The certificate that every client of it must show.
    pub fn certificate(&self) -> PathBuf {
        self.files.tls().join("watchgate.pem")
    }

    /// That certificate's private key.
    pub fn key(&self) -> PathBuf {
        self.files.tls().join("watchgate.key")
    }

    /// The service's user.
    pub fn user(&self) -> &'static str {
        "watchgate"
    }

    /// The file of the service's password.
    pub fn password_file(&self) -> PathBuf {
        self.files.watchgate_password()
    }

    /// The user of the system account who may ask how the server syncs.
    pub fn audit_user(&self) -> &'static str {
        "audit"
    }

    /// The file of that user's password.
    pub fn audit_password_file(&self) -> PathBuf {
        self.files.audit_password()
    }

    /// The folder of its streams.
    pub fn data(&self) -> &Path {
        &self.files.data
    }

    /// All that it has logged, over all of its starts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.files.log()).unwrap_or_default()
    }

    /// Its process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.process().as_ref().map(Process::id)
    }

    /// Ends it with SIGKILL.
    pub fn kill(&self) {
        drop(self.process().take());
    }

    /// Ends it with SIGTERM, as an operator would.
    pub fn stop(&self) {
        if let Some(mut process) = self.process().take() {
            process.terminate(GRACE);
        }
    }

    /// Starts it again, on its port and with its streams, killing it first when it still runs.
    pub fn restart(&self) -> Result<()> {
        self.kill();
        let process = start_once(&self.files, self.port, &self.guardian)?;
        *self.process() = Some(process);
        Ok(())
    }

    /// Holds it with SIGSTOP: its connections stay open, and nothing answers on them.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        if let Some(process) = self.process().as_ref() {
            process.signal(name);
        }
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start_on_any_port(files: &Files, options: &NatsOptions, guardian: &Arc<Guardian>) -> Result<(Process, u16)> {
    let mut attempt = 1;
    loop {
        let port = ports::free()?;
        files.configure(options, port)?;
        match start_once(files, port, guardian) {
            // Between our look and the server's bind another program may have taken the port.
            Err(error) if attempt < ATTEMPTS && format!("{error:#}").contains("address already in use") => {
                attempt = attempt.saturating_add(1);
            }
            started => return started.map(|process| (process, port)),
        }
    }
}

fn start_once(files: &Files, port: u16, guardian: &Arc<Guardian>) -> Result<Process> {
    let mut command = Command::new(artifacts::nats_server()?);
    command.arg("--config").arg(files.configuration());
    let log = files.log();
    let mut process = Process::start(&mut command, &log, guardian)?;
    let began = Instant::now();
    // It listens for clients when its streams are there.
    while !greets(port) {
        if let Some(status) = process.ended() {
            bail!("the NATS server ended ({status}): {}", tail(&process.log()));
        }
        if began.elapsed() > READY_WITHIN {
            bail!("the NATS server does not answer, its log is {}:\n{}", log.display(), tail(&process.log()));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(process)
}

/// Whether somebody on this port greets as NATS servers do.
fn greets(port: u16) -> bool {
    let greeting = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).and_then(|mut connection| {
        connection.set_read_timeout(Some(Duration::from_secs(1)))?;
        let mut greeting = [0; 5];
        connection.read_exact(&mut greeting)?;
        Ok(greeting)
    });
    greeting.is_ok_and(|greeting| greeting == *b"INFO ")
}
