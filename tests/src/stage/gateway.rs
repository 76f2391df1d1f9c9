//! A second Traefik beside the stage's own, as on a host that runs two of them on one trust directory.

use super::traefik::Traefik;

/// A running Traefik on ports of its own; killed when dropped.
#[derive(Debug)]
pub struct SecondGateway {
    traefik: Traefik,
}

impl SecondGateway {
    pub(super) fn new(traefik: Traefik) -> SecondGateway {
        SecondGateway { traefik }
    }

    /// `https://localhost:<port>`.
    pub fn base_url(&self) -> String {
        format!("https://localhost:{}", self.traefik.https_port)
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        self.traefik.process.log()
    }
}
