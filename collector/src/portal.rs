//! The Windows Device Portal of a console, as Microsoft documents it: what it is (`/api/os/info`) and how it does
//! (`/api/resourcemanager/systemperf`, over WebSocket, or asked once a second where that is refused).

mod calls;
mod figures;
mod socket;
mod trust;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diagnosis::Millis;
use reqwest::Url;
use reqwest::header::HeaderValue;
use rustls::ClientConfig;
use serde::Deserialize;
use thiserror::Error;
use tokio::time::{MissedTickBehavior, interval};

use crate::names::fitted;
use crate::reading::Reading;
pub use trust::{Pin, first_contact};

const SYSTEM_PERFORMANCE: &str = "/api/resourcemanager/systemperf";

/// As often as the socket tells.
const POLL: Duration = Duration::from_secs(1);

/// Asked so often, the socket is tried again.
const POLLS_BEFORE_SOCKET: u32 = 60;

/// Whom to take for the console.
#[derive(Clone, Debug)]
pub enum PortalTrust {
    /// Whoever has the private key of this public one, whatever the certificate says of names and times.
    Pin(Pin),
    /// Whoever has a certificate for the address by one of these authorities, in PEM.
    Authorities(PathBuf),
}

/// Where the portal is.
#[derive(Clone, Debug)]
pub struct PortalSettings {
    /// Such as `https://192.168.1.20:11443`.
    pub address: Url,
    /// Whom to take for it.
    pub trust: PortalTrust,
    /// A file with `user:password`.
    pub credentials: Option<PathBuf>,
}

/// Why nothing is heard of the console.
#[derive(Debug, Error)]
pub enum PortalError {
    /// The address is not of the form that is needed.
    #[error("the portal's address must be https://HOST:PORT: what it asks for, a password, would pass in the clear")]
    Address,
    /// A file cannot be read.
    #[error("the file {0} cannot be read")]
    File(PathBuf, #[source] io::Error),
    /// A file holds something else.
    #[error("{0} does not hold {1}")]
    Content(PathBuf, &'static str),
    /// It is no pin.
    #[error("a pin is `sha256/` and the base64 of a SHA-256 digest, as a first contact without --portal-pin prints it")]
    Pin,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(rustls::Error),
    /// No connection, or one that broke.
    #[error("no connection to the portal: {0}")]
    Unreachable(String),
    /// It says no.
    #[error("the portal refuses {0} with status {1}{hint}", hint = hint(*.1))]
    Refused(&'static str, u16),
    /// It says something else than is documented.
    #[error("the portal's answer to {0} is not what is documented")]
    Answer(&'static str),
}

fn hint(status: u16) -> &'static str {
    match status {
        401 | 403 => {
            ": it wants the user and the password that are set on it; give a file with them (--portal-credentials)"
        }
        503 => ": it has nothing to tell, as while the console sleeps",
        _ => "",
    }
}

/// A portal that can be asked.
#[derive(Debug)]
pub(crate) struct Portal {
    address: Url,
    tls: Arc<ClientConfig>,
    client: reqwest::Client,
    authorization: Option<HeaderValue>,
}

/// What a console says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) traits: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct OsInfo {
    computer_name: String,
    os_version: String,
    os_edition: String,
    platform: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct MachineName {
    computer_name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DeviceFamily {
    device_type: String,
}

impl Portal {
    /// Reads what the settings name; nobody is called.
    pub(crate) fn new(settings: &PortalSettings) -> Result<Self, PortalError> {
        let address = trust::origin(&settings.address)?;
        let tls = trust::client_config(&settings.trust)?;
        let authorization = settings.credentials.as_deref().map(calls::authorization).transpose()?;
        let client = calls::client(&tls)?;
        Ok(Self { address, tls: Arc::new(tls), client, authorization })
    }

    /// What the console says of itself.
    pub(crate) async fn identity(&self) -> Result<Identity, PortalError> {
        let info: OsInfo = self.get("/api/os/info").await?;
        let mut name = info.computer_name;
        if name.is_empty() {
            name = self.get::<MachineName>("/api/os/machinename").await?.computer_name;
        }
        // Older systems do not know this one.
        let family = match self.get::<DeviceFamily>("/api/os/devicefamily").await {
            Ok(family) => family.device_type,
            Err(PortalError::Refused(..) | PortalError::Answer(_)) => String::new(),
            Err(error) => return Err(error),
        };
        let said =
            [("firmware", info.os_version), ("model", info.platform), ("edition", info.os_edition), ("family", family)];
        let traits = said.into_iter().map(|(name, value)| (name.to_owned(), fitted(&value)));
        let traits = traits.filter(|(_, value)| !value.is_empty()).collect();
        match fitted(&name) {
            name if name.is_empty() => Err(PortalError::Answer("/api/os/machinename")),
            name => Ok(Identity { name, traits }),
        }
    }

    /// Hears the console's figures until that fails or the socket is worth another try; says each through `hear`, which says no more
    /// when nobody listens.
    pub(crate) async fn figures(&self, mut hear: impl FnMut(Reading) -> bool) -> Result<(), PortalError> {
        match socket::open(self).await? {
            Some(mut socket) => loop {
                let text = socket.next().await?;
                if !hear(reading(text.as_bytes())?) {
                    return Ok(());
                }
            },
            None => self.poll(hear).await,
        }
    }

    async fn poll(&self, mut hear: impl FnMut(Reading) -> bool) -> Result<(), PortalError> {
        let mut tick = interval(POLL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for _ in 0..POLLS_BEFORE_SOCKET {
            tick.tick().await;
            let body = self.body(SYSTEM_PERFORMANCE).await?;
            if !hear(reading(&body)?) {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// The portal says no time: it is now.
fn reading(json: &[u8]) -> Result<Reading, PortalError> {
    let values = figures::of(json).ok_or(PortalError::Answer(SYSTEM_PERFORMANCE))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Reading { time: Millis::try_from(now.as_millis()).unwrap_or(Millis::MAX), values })
}

#[cfg(test)]
mod tests;
