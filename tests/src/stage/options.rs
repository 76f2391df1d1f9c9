//! What a stage shall be.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use programs::nats::NatsOptions;
use serde_json::Value;

/// How to set a stage.
#[derive(Debug, Default)]
pub struct StageOptions {
    /// Where its files go.
    pub folder: Folder,
    /// What stands behind the gate.
    pub back_end: BackEnd,
    /// What the service stands on.
    pub backbone: BackboneForm,
    /// The plugin's configuration in place of the shipped one.
    pub gate: Option<Value>,
    /// One more dynamic file, there before the first request: routes of the test's own.
    pub dynamic: Option<Value>,
    /// More files below `/trust`, there before the gate looks for them: their names and contents.
    pub trust_files: Vec<(String, String)>,
    /// Has Traefik listen on every address of this machine, as it is shipped, not on loopback alone.
    pub listens_everywhere: bool,
    /// Turns Traefik's own defences off, so that whatever is refused was refused by the gate.
    pub gate_alone: bool,
    /// Makes this machine a proxy before Traefik, whose `X-Forwarded-For` Traefik lets through.
    pub behind_proxy: bool,
    /// The socket at which Traefik asks for containers, by the shipped `containers.yml`; without it, it asks nobody.
    pub containers: Option<PathBuf>,
    /// Traefik's `readTimeout` in place of the shipped one, such as `2s`, for tests that cannot wait as long as that.
    pub read_timeout: Option<&'static str>,
    /// Has Traefik and the service show each other certificates, by the shipped `mutual-tls.yml`.
    pub mutual_tls: bool,
    /// The documents that the assistant answers from, in place of the example company's.
    pub documents: Option<PathBuf>,
    /// Further folders of documents.
    pub more_documents: Vec<PathBuf>,
    /// The runbooks, in place of the example company's.
    pub runbooks: Option<PathBuf>,
    /// What the assistant is told; without it, it answers from the documents alone.
    pub assistant: Option<Value>,
    /// Watches over the events; without a folder there are none.
    pub watches: Option<PathBuf>,
    /// Whether the service has sessions of further devices, by the shipped `sessions.yml`.
    pub sessions: bool,
    /// Where Traefik and the service send their spans, by the shipped `tracing.yml`: a collector such as `http://127.0.0.1:4318`.
    pub tracing: Option<String>,
    /// Whether Traefik tells Prometheus what it counts, by the shipped `metrics.yml`.
    pub traefik_metrics: bool,
    /// What the console is told; without it there is none.
    pub console: Option<Value>,
    /// How long a replica that is asked to end still answers, saying that it is not ready, before it closes; in whole seconds.
    pub drain: Duration,
}

/// Where a stage keeps its files.
#[derive(Debug, Default)]
pub enum Folder {
    /// A fresh folder that goes when the program ends, unless `WATCHGATE_KEEP` is set.
    #[default]
    Temporary,
    /// `.run/<name>`, emptied first, and kept for a look afterwards.
    Fresh(&'static str),
    /// `.run/<name>` with what the last run left: keys and events stay.
    Kept(&'static str),
}

/// What stands behind the gate.
#[derive(Debug, Default)]
pub enum BackEnd {
    /// Watchgate's service.
    #[default]
    Watchgate,
    /// Somebody's own back end at this URL, without any Watchgate service.
    DropIn(String),
}

/// What the service stands on.
#[derive(Debug, Default)]
pub enum BackboneForm {
    /// A store of its own, on one machine.
    #[default]
    Sqlite,
    /// A NATS server that several replicas share.
    Nats {
        /// How many there are.
        replicas: usize,
        /// What the server shall be. Its files go into the stage's folder unless they have one of their own.
        nats: NatsOptions,
    },
}

/// Whether [`GateFolder::Full`] can be had here; where tests must not be left out, it must be.
pub fn may_mount_a_full_folder() -> Result<bool> {
    let may_mount = Command::new("unshare").args(["--map-root-user", "--mount", "true"]).status();
    let may_mount = may_mount.is_ok_and(|status| status.success());
    ensure!(may_mount || env::var_os("CI").is_none(), "CI must be able to make a full folder");
    if !may_mount {
        eprintln!("left out a full /gate: this user may not mount one in a namespace of their own");
    }
    Ok(may_mount)
}

/// What a second gateway finds as `/gate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateFolder {
    /// The folder of the first one.
    Shared,
    /// The same, mounted read-only.
    ReadOnly,
    /// A file system of its own that has no byte left. Needs leave to make a mount in a namespace of one's own.
    Full,
}
