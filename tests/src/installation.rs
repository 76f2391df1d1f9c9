//! A gateway that stands somewhere, as those see it who call it: where it is, whom they trust, who signs tokens, how a service is put
//! behind it. The stage is one, and so is what `deploy/ansible` has brought up.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Client;

use crate::client::{self, Caller};
use crate::guardian::Guardian;
use crate::http3::{Http3Answer, Http3Client};
use crate::process::Process;
use crate::second_service;
use crate::token::TokenRequest;

/// A running gateway.
#[derive(Debug)]
pub struct Installation {
    site: Site,
    folder: PathBuf,
    guardian: Arc<Guardian>,
}

/// What there is to know of it.
#[derive(Clone, Debug)]
pub struct Site {
    /// Such as `https://localhost:8443`.
    pub base_url: String,
    /// The authority that signed its certificate, as PEM.
    pub ca: PathBuf,
    /// Keys as `watchgate keys dev` makes them: the development issuer's, and its public ones in `trust/jwks/dev.json`.
    pub keys: PathBuf,
    /// Where QUIC is answered; a balancer in front may take TCP alone.
    pub http3: Option<SocketAddr>,
    /// The service behind the gate, for those who try to go past it.
    pub service: Option<Service>,
    /// How a second service comes behind the gate.
    pub routes: Option<Routes>,
    /// An address of this machine that Traefik reaches.
    pub listen: IpAddr,
    /// The folder in which documents lie under the names by which answers cite them.
    pub documents: PathBuf,
}

/// The service's own address.
#[derive(Clone, Debug)]
pub struct Service {
    /// With its port.
    pub url: String,
    /// Who signed its certificate, where it shows one and asks for one.
    pub ca: Option<PathBuf>,
}

/// How a second service comes behind the gate.
#[derive(Clone, Debug)]
pub enum Routes {
    /// By a file in the directory that Traefik watches.
    Folder(PathBuf),
    /// By this program, called with the service's name, the prefix of its paths, the scope that it asks for and its URL.
    Program(PathBuf),
}

impl Installation {
    /// One that runs already. `folder` is where what is started beside it writes to.
    pub fn of(site: Site, folder: &Path) -> Result<Installation> {
        Ok(Installation::guarded(site, folder, Arc::new(Guardian::start(None)?)))
    }

    pub(crate) fn guarded(site: Site, folder: &Path, guardian: Arc<Guardian>) -> Installation {
        Installation { site, folder: folder.to_path_buf(), guardian }
    }

    /// What there is to know of it.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The gateway's origin.
    pub fn base_url(&self) -> &str {
        &self.site.base_url
    }

    /// The authority that signed the gateway's certificate, as PEM.
    pub fn ca(&self) -> &Path {
        &self.site.ca
    }

    /// The folder of what was started beside it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of the development issuer's private keys.
    pub fn issuer_keys(&self) -> PathBuf {
        self.site.keys.join("issuer")
    }

    /// That issuer's public keys, as everybody may have them.
    pub fn public_keys(&self) -> PathBuf {
        self.site.keys.join("trust/jwks/dev.json")
    }

    /// A client that trusts the installation's authority.
    pub fn client(&self) -> Result<Client> {
        client::https(&self.site.ca)
    }

    /// A token for `subject`, to be described further.
    pub fn token(&self, subject: &str) -> TokenRequest {
        TokenRequest::new(&self.issuer_keys(), subject)
    }

    /// A good token.
    pub fn mint(&self, subject: &str, scopes: &str) -> Result<String> {
        self.token(subject).scope(scopes).mint()
    }

    /// Somebody with a good token.
    pub fn caller(&self, subject: &str, scopes: &str) -> Result<Caller> {
        Ok(Caller::new(self.client()?, &self.site.base_url, Some(self.mint(subject, scopes)?)))
    }

    /// Somebody without a token.
    pub fn stranger(&self) -> Result<Caller> {
        Ok(Caller::new(self.client()?, &self.site.base_url, None))
    }

    /// A connection over HTTP/3.
    pub async fn http3(&self) -> Result<Http3Client> {
        let address = self.site.http3.context("it is not known where QUIC is answered")?;
        Http3Client::connect(address, &self.site.base_url, &self.site.ca).await
    }

    /// One request over a new connection of HTTP/3.
    pub async fn h3_get(&self, path: &str, token: Option<&str>) -> Result<Http3Answer> {
        self.http3().await?.get(path, token).await
    }

    /// Puts the service `reports` behind the gate, at `/reports` for those with the scope `reports:read`.
    pub async fn open_reports(&self, back_end_url: &str) -> Result<()> {
        match self.site.routes.as_ref().context("it is not known how a route is added")? {
            Routes::Folder(dynamic) => write_dynamic(dynamic, "reports.yml", &second_service::reports(back_end_url)?),
            Routes::Program(program) => {
                let mut program = tokio::process::Command::new(program);
                let ended = program.args(["reports", "/reports", "reports:read", back_end_url]).status().await?;
                ensure!(ended.success(), "the program that adds a route ended with {ended}");
                Ok(())
            }
        }
    }

    /// Starts another program that belongs to it, such as a microservice, logging to `<name>.log`.
    pub fn companion(&self, name: &str, command: &mut Command) -> Result<Companion> {
        let log = self.folder.join(format!("{name}.log"));
        Ok(Companion { process: Process::start(command, &log, &self.guardian)? })
    }
}

/// Writes a file into a directory that Traefik watches, by rename, so that Traefik never reads half of it.
pub(crate) fn write_dynamic(dynamic: &Path, name: &str, yaml: &str) -> Result<()> {
    let beside = dynamic.parent().context("the dynamic directory is in no folder")?;
    let fresh = beside.join(format!("{name}.new"));
    std::fs::write(&fresh, yaml).with_context(|| format!("{} cannot be written", fresh.display()))?;
    std::fs::rename(&fresh, dynamic.join(name)).context("the dynamic file could not be renamed into place")
}

/// A gateway on loopback, as far as its port is all that is to be said.
pub(crate) fn on_loopback(port: u16) -> (String, SocketAddr) {
    (format!("https://localhost:{port}"), SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// A program beside an installation; killed when dropped.
#[derive(Debug)]
pub struct Companion {
    process: Process,
}

impl Companion {
    /// All that it has written.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Ends it with SIGTERM, and with SIGKILL when `patience` is over.
    pub fn stop(&mut self, patience: Duration) {
        self.process.terminate(patience);
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.process.ended().is_none()
    }
}
