//! A keeper as a process, its folders, and whoever waits for what it does.

#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part of it; a test ends where it cannot go on")]

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use trust_core::trust_head::{TrustHead, wanted_file};

use crate::provider::Provider;

/// Longer than anything that is waited for takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Stage {
    folder: tempfile::TempDir,
    pub(crate) keepers: Vec<Child>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        for keeper in &mut self.keepers {
            // It may have ended already.
            let _ = keeper.kill();
            let _ = keeper.wait();
        }
    }
}

impl Stage {
    /// Folders, and a configuration with these further lines.
    pub(crate) fn new(lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["trust", "gate"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let stage = Self { folder, keepers: Vec::new() };
        stage.configure(lines);
        stage
    }

    pub(crate) fn configure(&self, lines: &str) {
        let (trust, gate) = (self.path("trust"), self.path("gate"));
        let text = format!("trust: {}\ngate: {}\n{lines}\n", trust.display(), gate.display());
        fs::write(self.path("keeper.yml"), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_watchgate"));
        command.arg("keeper").arg("--config").arg(self.path("keeper.yml"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    pub(crate) fn start(&mut self) {
        let keeper = self.command().spawn().unwrap();
        self.keepers.push(keeper);
    }

    /// SIGKILL: nothing is put in order.
    pub(crate) fn kill(&mut self) {
        let mut keeper = self.keepers.pop().unwrap();
        keeper.kill().unwrap();
        keeper.wait().unwrap();
    }

    pub(crate) fn head(&self) -> Option<TrustHead> {
        let bytes = fs::read(self.path("trust/head")).ok()?;
        Some(TrustHead::from_json(&bytes).unwrap())
    }

    pub(crate) fn file(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path("trust").join(name)).ok()
    }

    pub(crate) fn wish(&self, issuer: &str) {
        fs::write(self.path("gate").join(wanted_file(issuer)), "").unwrap();
    }
}

/// Waits until there is something, and says what and how long that took.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> (T, Duration) {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return (found, begun.elapsed());
        }
        assert!(begun.elapsed() < PATIENCE, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn when(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    until(what, || is_so().then_some(())).1
}

/// An issuer's lines: its keys are fetched from below `path` of the provider.
pub(crate) fn issuer_lines(provider: &Provider, ca: &std::path::Path, name: &str) -> String {
    format!(
        "  - {{issuer: 'urn:{name}', file: jwks/{name}.json, jwksUri: 'https://localhost:{}/{name}', caFile: {}, \
         allowedNetworks: [127.0.0.0/8]}}\n",
        provider.address.port(),
        ca.display()
    )
}

/// A JWK Set with a key of this name, and so much beside it.
pub(crate) fn key_set(kid: &str, bytes: usize) -> Vec<u8> {
    let key = serde_json::json!({
        "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    serde_json::json!({"keys": [key], "padding": "x".repeat(bytes)}).to_string().into_bytes()
}

pub(crate) fn kid_of(jwks: &[u8]) -> String {
    let set: Value = serde_json::from_slice(jwks).unwrap();
    set["keys"][0]["kid"].as_str().unwrap().to_owned()
}
