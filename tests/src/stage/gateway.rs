//! A second Traefik beside the stage's own: on a host that runs two of them on one trust directory, or on another host.

use std::path::{Path, PathBuf};

use super::traefik::Traefik;

/// A running Traefik on ports of its own; killed when dropped.
#[derive(Debug)]
pub struct SecondGateway {
    traefik: Traefik,
    trust: PathBuf,
    gate: PathBuf,
}

impl SecondGateway {
    pub(super) fn new(traefik: Traefik, trust: PathBuf, gate: PathBuf) -> SecondGateway {
        SecondGateway { traefik, trust, gate }
    }

    /// `https://localhost:<port>`.
    pub fn base_url(&self) -> String {
        format!("https://localhost:{}", self.traefik.https_port)
    }

    /// What its gate finds as `/trust`.
    pub fn trust_folder(&self) -> &Path {
        &self.trust
    }

    /// What its gate finds as `/gate`.
    pub fn gate_folder(&self) -> &Path {
        &self.gate
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        self.traefik.process.log()
    }
}
