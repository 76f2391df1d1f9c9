//! The files of one NATS server: the shipped configuration with other addresses and paths, certificates made as users
//! make theirs, and the two users' passwords.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{NatsOptions, Sync};
use crate::keys::make;
use crate::shipped::Shipped;

const WATCHGATE_PASSWORD: &str = "the-replicas-word";
const AUDIT_PASSWORD: &str = "the-auditors-word";

/// The same two as bcrypt makes them, as cheap as it can: half the tests' time would be its work otherwise.
const USERS: &str = r#"WATCHGATE_PASSWORD: "$2b$04$abcdefghijklmnopqrstuuaUy7.rjFw8jPl4bR4RPIc0Z8T5hEo7K"
AUDIT_PASSWORD: "$2b$04$abcdefghijklmnopqrstuusf92DWM/ZCEjtaoR4/2cwrxyA3PyqvG"
"#;

/// Where they lie.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) folder: PathBuf,
    pub(super) data: PathBuf,
}

impl Files {
    pub(super) fn tls(&self) -> PathBuf {
        self.folder.join("tls")
    }

    pub(super) fn configuration(&self) -> PathBuf {
        self.folder.join("nats-server.conf")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("nats.log")
    }

    pub(super) fn watchgate_password(&self) -> PathBuf {
        self.folder.join("watchgate.password")
    }

    pub(super) fn audit_password(&self) -> PathBuf {
        self.folder.join("audit.password")
    }

    /// Makes what does not depend on the port.
    pub(super) fn make(&self) -> Result<()> {
        fs::create_dir_all(&self.data).with_context(|| format!("{} cannot be made", self.data.display()))?;
        // Also for those to whom this host has another name, such as containers.
        make(&["keys", "tls", "--host", "localhost", "--host", "nats.internal", "--client", "watchgate"], &self.tls())?;
        write_secret(&self.folder.join("nats-users.conf"), USERS)?;
        write_secret(&self.watchgate_password(), WATCHGATE_PASSWORD)?;
        write_secret(&self.audit_password(), AUDIT_PASSWORD)
    }

    /// Writes the configuration for this port.
    pub(super) fn configure(&self, options: &NatsOptions, port: u16) -> Result<()> {
        let mut file = Shipped::read("deploy/nats/nats-server.conf")?;
        file.replace("0.0.0.0:4222", &format!("127.0.0.1:{port}"))?;
        file.replace("/var/lib/nats", &self.data.display().to_string())?;
        // Also in the block for three servers, which stays a comment.
        file.replace_all("\"/etc/nats/tls", &format!("\"{}", self.tls().display()))?;
        if options.sync == Sync::Default {
            file.replace("sync_interval: always", "sync_interval: \"2m\"")?;
        }
        if let Some(bytes) = options.max_file_store {
            file.replace("max_file_store: 64GB", &format!("max_file_store: {bytes}"))?;
        }
        file.write(&self.configuration())
    }
}

fn write_secret(path: &Path, text: &str) -> Result<()> {
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("{} cannot be written", path.display()))
}
