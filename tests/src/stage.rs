//! The stage itself: starts its parts in order, answers where they are, ends them.

use std::env;
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use reqwest::Client;
use serde_json::Value;

use crate::artifacts;
use crate::client::Caller;
use crate::guardian::Guardian;
use crate::http3::{Http3Answer, Http3Client};
use crate::installation::{Companion, Installation, Routes, Service, Site, on_loopback, write_dynamic};
use crate::ports;
use crate::process::tail;
use crate::token::TokenRequest;

mod gateway;
mod layout;
pub(crate) mod options;
mod replicas;
mod service;
pub(crate) mod shared;
mod traefik;

pub use gateway::SecondGateway;
use layout::{Host, Layout, Observed};
pub use layout::{shipped_gate, shipped_gate_with_sessions};
use options::{BackEnd, Folder, GateFolder, StageOptions};
use replicas::Replicas;
use service::Shared;
use traefik::{Traefik, Wanted};

/// A running gateway with a back end behind it.
#[derive(Debug)]
pub struct Stage {
    layout: Layout,
    installation: Installation,
    traefik: Mutex<Traefik>,
    replicas: Replicas,
    /// The replicas' URLs, or the one of somebody's own back end.
    back_ends: Vec<String>,
    gate: Option<Value>,
    dynamic: Option<Value>,
    https_port: u16,
    http_port: u16,
    metrics_port: Option<u16>,
    // Last, so that it outlives what it guards; then the lock goes.
    guardian: Arc<Guardian>,
    _lock: Option<File>,
}

impl Stage {
    /// Starts everything and waits until it answers.
    pub async fn start(options: StageOptions) -> Result<Stage> {
        let (folder, lock) = prepare(&options.folder)?;
        let has_browsers = options.sessions && options.console.is_some();
        let temporary = matches!(options.folder, Folder::Temporary) && env::var_os("WATCHGATE_KEEP").is_none();
        let guardian = Arc::new(Guardian::start(temporary.then_some(folder.as_path()))?);
        let layout = Layout { folder, gateway: "traefik", host: Host::First };
        layout.make_keys()?;
        if options.mutual_tls {
            layout.make_certificates(&layout.service_tls())?;
        }
        for (name, content) in &options.trust_files {
            let path = layout.trust().join(name);
            fs::write(&path, content).with_context(|| format!("{} cannot be written", path.display()))?;
        }

        let (replicas, back_ends) = match options.back_end {
            BackEnd::DropIn(url) => (Replicas::default(), vec![url]),
            BackEnd::Watchgate => {
                let company = artifacts::root().join("examples/company");
                let mut documents = vec![options.documents.unwrap_or_else(|| company.join("documents"))];
                documents.extend(options.more_documents);
                let shared = Shared {
                    documents,
                    runbooks: options.runbooks.unwrap_or_else(|| company.join("runbooks")),
                    event_schemas: company.join("event-schemas"),
                    assistant: options.assistant.map(|told| layout.write_config("assistant", &told)).transpose()?,
                    watches: options.watches,
                    console: options.console.map(|told| layout.write_config("console", &told)).transpose()?,
                    sessions: options.sessions.then(|| layout.make_sessions()).transpose()?,
                    mutual_tls: options.mutual_tls,
                    tracing: options.tracing.clone(),
                    drain: options.drain,
                    guardian: Arc::clone(&guardian),
                };
                let replicas = Replicas::start(&options.backbone, &layout, shared).await?;
                let urls = replicas.urls();
                (replicas, urls)
            }
        };
        let metrics_port = options.traefik_metrics.then(ports::free).transpose()?;
        let observed = Observed { tracing: options.tracing, metrics_port };
        let wanted = Wanted {
            back_ends: &back_ends,
            gate: options.gate.as_ref(),
            dynamic: options.dynamic.as_ref(),
            listens_everywhere: options.listens_everywhere,
            gate_alone: options.gate_alone,
            gate_folder: GateFolder::Shared,
            behind_proxy: options.behind_proxy,
            read_timeout: options.read_timeout,
            containers: options.containers.as_deref(),
            mutual_tls: options.mutual_tls,
            observed: &observed,
        };
        let traefik = traefik::start(&layout, &wanted, &guardian).await?;
        let (https_port, http_port) = (traefik.https_port, traefik.http_port);
        let (base_url, address) = on_loopback(https_port);
        let site = Site {
            base_url,
            ca: layout.ca(),
            keys: layout.keys(),
            http3: Some(address),
            service: back_ends.first().map(|url| Service {
                url: url.clone(),
                ca: options.mutual_tls.then(|| layout.service_tls().join("ca.pem")),
            }),
            routes: Some(Routes::Folder(layout.dynamic())),
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            documents: artifacts::root().join("examples/company"),
        };
        let stage = Stage {
            installation: Installation::guarded(site, &layout.folder, Arc::clone(&guardian)),
            layout,
            traefik: Mutex::new(traefik),
            replicas,
            back_ends,
            gate: options.gate,
            dynamic: options.dynamic,
            https_port,
            http_port,
            metrics_port,
            guardian,
            _lock: lock,
        };
        if has_browsers {
            // A browser goes where a link leads, and the port is known only now.
            stage.layout.lead_sessions_to(&stage.base_url())?;
            stage.restart_service().await?;
        }
        Ok(stage)
    }

    /// It as those see it who call it.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The gateway: `https://localhost:<port>`.
    pub fn base_url(&self) -> String {
        self.installation.base_url().to_owned()
    }

    /// The gateway's port, for TCP and UDP.
    pub fn https_port(&self) -> u16 {
        self.https_port
    }

    /// The gateway's plain entry point, which only redirects.
    pub fn plain_url(&self) -> String {
        format!("http://localhost:{}", self.http_port)
    }

    /// The service behind the gate, for those who try to go past it; of several replicas the first.
    pub fn service_url(&self) -> &str {
        self.back_ends.first().map_or("", String::as_str)
    }

    /// What Traefik tells Prometheus, where it does.
    pub fn traefik_metrics_url(&self) -> Result<String> {
        let port = self.metrics_port.context("this stage's Traefik has no metrics")?;
        Ok(format!("http://127.0.0.1:{port}/metrics"))
    }

    /// The authority that signed the gateway's certificate, as PEM.
    pub fn ca(&self) -> PathBuf {
        self.layout.ca()
    }

    /// The folder of the development issuer's private keys.
    pub fn issuer_keys(&self) -> PathBuf {
        self.layout.issuer_keys()
    }

    /// The folder of all keys.
    pub fn keys(&self) -> PathBuf {
        self.layout.keys()
    }

    /// The certificates with which the service and Traefik know each other.
    pub fn service_tls(&self) -> PathBuf {
        self.layout.service_tls()
    }

    /// Has certificates made in `folder`: an authority, `server` and the clients `traefik` and `keeper`.
    pub fn make_certificates(&self, folder: &Path) -> Result<()> {
        self.layout.make_certificates(folder)
    }

    /// What the gate finds as `/gate`.
    pub fn gate_folder(&self) -> PathBuf {
        self.layout.gate()
    }

    /// The folder that holds everything.
    pub fn folder(&self) -> &Path {
        &self.layout.folder
    }

    /// The directory that Traefik watches.
    pub fn dynamic(&self) -> PathBuf {
        self.layout.dynamic()
    }

    /// A client that trusts the stage's authority.
    pub fn client(&self) -> Result<Client> {
        self.installation.client()
    }

    /// A token for `subject`, to be described further.
    pub fn token(&self, subject: &str) -> TokenRequest {
        self.installation.token(subject)
    }

    /// A good token.
    pub fn mint(&self, subject: &str, scopes: &str) -> Result<String> {
        self.installation.mint(subject, scopes)
    }

    /// Somebody with a good token.
    pub fn caller(&self, subject: &str, scopes: &str) -> Result<Caller> {
        self.installation.caller(subject, scopes)
    }

    /// Somebody without a token.
    pub fn stranger(&self) -> Result<Caller> {
        self.installation.stranger()
    }

    /// A connection over HTTP/3.
    pub async fn http3(&self) -> Result<Http3Client> {
        self.installation.http3().await
    }

    /// One request over a new connection of HTTP/3.
    pub async fn h3_get(&self, path: &str, token: Option<&str>) -> Result<Http3Answer> {
        self.installation.h3_get(path, token).await
    }

    /// Writes a file into the directory that Traefik watches, by rename, so that Traefik never reads half of it.
    pub fn write_dynamic(&self, name: &str, yaml: &str) -> Result<()> {
        write_dynamic(&self.dynamic(), name, yaml)
    }

    /// Removes such a file.
    pub fn remove_dynamic(&self, name: &str) -> Result<()> {
        fs::remove_file(self.dynamic().join(name)).context("the dynamic file could not be removed")
    }

    /// Another Traefik with the same gate before the same back end, on the same keys and in the same `/trust` and `/gate`.
    pub async fn second_gateway(&self, gate_folder: GateFolder) -> Result<SecondGateway> {
        let layout = Layout { gateway: "traefik-2", ..self.layout.clone() };
        self.gateway(layout, gate_folder).await
    }

    /// A Traefik on another host, as far as a gate can tell: with the same configuration before the same back end, and with
    /// a `/trust` and a `/gate` of its own, in which there is nothing but the gate's key.
    pub async fn second_host(&self) -> Result<SecondGateway> {
        let layout = Layout { gateway: "traefik-2", host: Host::Second, ..self.layout.clone() };
        for folder in [layout.trust().join("jwks"), layout.gate()] {
            fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        fs::copy(self.layout.trust().join("gate.key"), layout.trust().join("gate.key")).context("no gate.key")?;
        self.gateway(layout, GateFolder::Shared).await
    }

    async fn gateway(&self, layout: Layout, gate_folder: GateFolder) -> Result<SecondGateway> {
        let wanted = Wanted {
            back_ends: &self.back_ends,
            gate: self.gate.as_ref(),
            dynamic: self.dynamic.as_ref(),
            listens_everywhere: false,
            gate_alone: false,
            gate_folder,
            behind_proxy: false,
            read_timeout: None,
            containers: None,
            mutual_tls: self.service_url().starts_with("https://"),
            observed: &Observed::default(),
        };
        let traefik = traefik::start(&layout, &wanted, &self.guardian).await?;
        Ok(SecondGateway::new(traefik, layout.trust(), layout.gate()))
    }

    /// Traefik's process id.
    pub fn traefik_pid(&self) -> u32 {
        self.traefik.lock().unwrap_or_else(PoisonError::into_inner).process.id()
    }

    /// All that Traefik has logged.
    pub fn traefik_log(&self) -> String {
        self.traefik.lock().unwrap_or_else(PoisonError::into_inner).process.log()
    }

    /// Ends the service with SIGKILL, all replicas of it.
    pub fn kill_service(&self) {
        self.replicas.kill();
    }

    /// Ends the service with SIGTERM, as an operator would.
    pub fn stop_service(&self) {
        self.replicas.stop();
    }

    /// Sends the service a signal by its name without `SIG`, all replicas of it, and waits for nothing.
    pub fn signal_service(&self, name: &str) {
        self.replicas.signal(name);
    }

    /// Whether a replica of the service runs.
    pub fn service_runs(&self) -> bool {
        self.replicas.ended().is_none()
    }

    /// Starts the service again, on its ports and with its data, killing it first when it still runs.
    pub async fn restart_service(&self) -> Result<()> {
        self.replicas.restart().await
    }

    /// Which part has ended by itself, if any.
    pub fn ended(&self) -> Option<String> {
        let traefik = self.traefik.lock().unwrap_or_else(PoisonError::into_inner).process.ended();
        traefik.map(|status| format!("Traefik ended by itself ({status})")).or_else(|| self.replicas.ended())
    }

    /// Plays one scene; when it fails, the end of the logs is printed.
    pub async fn play<T>(&self, scene: impl AsyncFnOnce(&Stage) -> Result<T>) -> Result<T> {
        let report = self.report_if_failed();
        let played = scene(self).await;
        report.close(played)
    }

    /// The end of every log, for a failure's report.
    pub fn log_tails(&self) -> String {
        let mut tails = format!("--- traefik.log\n{}\n", tail(&self.traefik_log()));
        for name in self.replicas.names() {
            let log = fs::read_to_string(self.layout.log(&name)).unwrap_or_default();
            tails.push_str(&format!("--- {name}.log\n{}\n", tail(&log)));
        }
        format!("{tails}--- from {}", self.layout.folder.display())
    }

    /// Starts one more process of `watchgate` with this configuration in a file: `keeper` or `exchange`.
    pub fn watchgate(&self, command: &str, config: &Value) -> Result<Companion> {
        self.watchgate_named(command, command, config)
    }

    /// The same under another name, where there are two of them.
    pub fn watchgate_named(&self, name: &str, command: &str, config: &Value) -> Result<Companion> {
        let file = self.layout.write_config(name, config)?;
        self.companion(name, Command::new(artifacts::watchgate()?).arg(command).arg("--config").arg(&file))
    }

    /// What the gate finds as `/trust`.
    pub fn trust_folder(&self) -> PathBuf {
        self.layout.trust()
    }

    /// Starts another program that belongs to the stage, such as a microservice, logging to `<name>.log`.
    pub fn companion(&self, name: &str, command: &mut Command) -> Result<Companion> {
        self.installation.companion(name, command)
    }

    fn report_if_failed(&self) -> Report<'_> {
        Report { stage: self }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop_service();
    }
}

/// Prints the logs when a scene panics or fails.
struct Report<'a> {
    stage: &'a Stage,
}

impl Report<'_> {
    fn close<T>(self, played: Result<T>) -> Result<T> {
        if played.is_err() {
            eprintln!("{}", self.stage.log_tails());
        }
        played
    }
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}", self.stage.log_tails());
        }
    }
}

/// Makes the stage's folder, and takes its lock when it has a name.
fn prepare(folder: &Folder) -> Result<(PathBuf, Option<File>)> {
    let name = match folder {
        Folder::Temporary => {
            let folder = tempfile::Builder::new().prefix("watchgate-").tempdir().context("no temporary folder")?.keep();
            return Ok((folder, None));
        }
        Folder::Fresh(name) | Folder::Kept(name) => name,
    };
    let run = artifacts::root().join(".run");
    let path = run.join(name);
    // Traefik's mounts are written `host:guest`.
    ensure!(!path.to_string_lossy().contains(':'), "{} holds a colon: work in a folder without one", path.display());
    fs::create_dir_all(&run).with_context(|| format!("{} cannot be made", run.display()))?;
    let lock =
        File::create(run.join(format!("{name}.lock"))).with_context(|| format!("{} is not ours", run.display()))?;
    if lock.try_lock().is_err() {
        bail!("another stage runs in {}: end it first", path.display());
    }
    if matches!(folder, Folder::Fresh(_)) && path.exists() {
        fs::remove_dir_all(&path).with_context(|| format!("{} cannot be emptied", path.display()))?;
    }
    fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    Ok((path, Some(lock)))
}
