//! A real identity provider beside the stage: `oidc-provider` of `tests/identity-provider/` as a child process over
//! HTTPS, with a certificate of its own. Tests ask it for tokens as a client would, and steer it: keys, clock, faults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::Client;
use serde_json::{Value, json};

use crate::client::{self, expect_json};
use crate::guardian::Guardian;
use crate::process::{Process, tail};
use crate::wait::until;
use crate::{artifacts, ports, random};

mod browser;
mod grant;

pub use grant::{Grant, Resource, Tokens};

const READY_WITHIN: Duration = Duration::from_secs(30);

/// The secret of its clients `machine`, `machine-with-certificate` and `resource-server`.
pub const CLIENT_SECRET: &str = "a-secret-of-the-tests-and-of-nothing-else";

/// The paths that the keeper and the exchange ask for.
pub mod endpoint {
    /// The provider's own description (OpenID Connect Discovery 1.0 section 4).
    pub const DISCOVERY: &str = "/.well-known/openid-configuration";
    /// Its public keys (RFC 7517).
    pub const JWKS: &str = "/jwks";
    /// RFC 6749 section 3.2.
    pub const TOKEN: &str = "/token";
    /// RFC 7662.
    pub const INTROSPECTION: &str = "/token/introspection";
    /// RFC 7009.
    pub const REVOCATION: &str = "/token/revocation";
}

/// What becomes of the keys before a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlierKeys {
    /// They sign no longer, but are still published.
    Published,
    /// They are gone, as after a theft.
    Withdrawn,
}

/// A running provider; killed when dropped.
#[derive(Debug)]
pub struct IdentityProvider {
    process: Mutex<Option<Process>>,
    folder: PathBuf,
    port: u16,
    issuer: String,
    control_token: String,
    client: Client,
    // Last, so that it outlives what it guards.
    guardian: Arc<Guardian>,
}

impl IdentityProvider {
    /// Starts it on a free port and waits until it answers. It vouches for no client's certificate.
    pub async fn start() -> Result<IdentityProvider> {
        IdentityProvider::start_with_client_ca(None).await
    }

    /// The same; clients may authenticate with certificates of these authorities (PEM), see [`Self::register`].
    pub async fn start_with_client_ca(authorities: Option<&str>) -> Result<IdentityProvider> {
        let folder = tempfile::Builder::new().prefix("watchgate-identity-provider-").tempdir()?.keep();
        let guardian = Arc::new(Guardian::start(Some(&folder))?);
        let made = Command::new(artifacts::watchgate()?)
            .args(["keys", "tls", "--host", "localhost", "--dir"])
            .arg(&folder)
            .output()
            .context("`watchgate keys tls` could not be started")?;
        ensure!(made.status.success(), "`watchgate keys tls` failed: {}", String::from_utf8_lossy(&made.stderr));
        if let Some(authorities) = authorities {
            std::fs::write(folder.join("clients.pem"), authorities)?;
        }
        let port = ports::free()?;
        let provider = IdentityProvider {
            process: Mutex::new(None),
            port,
            issuer: format!("https://localhost:{port}"),
            control_token: random::text(),
            client: client::https(&folder.join("ca.pem"))?,
            folder,
            guardian,
        };
        provider.restart().await?;
        Ok(provider)
    }

    /// Starts it again on its port with all forgotten: keys, tokens, clients. Ends it first when it still runs.
    pub async fn restart(&self) -> Result<()> {
        self.kill();
        let script = artifacts::root().join("tests/identity-provider/provider.mjs");
        let mut command = Command::new(artifacts::node()?);
        command.arg(script).args(["--port", &self.port.to_string()]).env("CONTROL_TOKEN", &self.control_token);
        command.arg("--cert").arg(self.folder.join("server.pem")).arg("--key").arg(self.folder.join("server.key"));
        let authorities = self.folder.join("clients.pem");
        if authorities.exists() {
            command.arg("--client-ca").arg(authorities);
        }
        let mut process = Process::start(&mut command, &self.folder.join("provider.log"), &self.guardian)?;
        until("the identity provider is ready", READY_WITHIN, async || {
            if let Some(status) = process.ended() {
                bail!("the identity provider ended ({status}), is `make setup-tests` done? {}", tail(&process.log()));
            }
            let answer = self.control("GET", "counts").send().await;
            Ok(answer.is_ok_and(|answer| answer.status().is_success()).then_some(()))
        })
        .await?;
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        Ok(())
    }

    /// Ends it: whoever asks it is refused by the kernel.
    pub fn kill(&self) {
        drop(self.process.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Its name and address: `https://localhost:<port>`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The address of an [`endpoint`].
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// The authority that signed its certificate, as PEM.
    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Its folder, that goes when the test ends.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A client that trusts its certificate.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The key set that it publishes now.
    pub async fn key_set(&self) -> Result<Value> {
        expect_json(200, self.client.get(self.url(endpoint::JWKS))).await
    }

    /// An entry for the gate's `issuers`, with the keys in this file below `/trust`.
    pub fn gate_issuer(&self, jwks_file: &str) -> Value {
        json!({
            "issuer": self.issuer, "audiences": ["watchgate"], "jwksFile": jwks_file,
            "algorithms": ["RS256", "ES256", "EdDSA"], "tokenTypes": ["at+jwt"], "leewaySeconds": 30,
        })
    }

    /// An access token for this kind of resource, to be described further and asked for.
    pub fn grant(&self, resource: Resource) -> Grant<'_> {
        Grant::new(self, resource)
    }

    /// What it says of a token to the client `resource-server` (RFC 7662).
    pub async fn introspect(&self, token: &str) -> Result<Value> {
        let request = self.client.post(self.url(endpoint::INTROSPECTION));
        expect_json(200, request.basic_auth("resource-server", Some(CLIENT_SECRET)).form(&[("token", token)])).await
    }

    /// Takes a token back that the client `machine` was given (RFC 7009).
    pub async fn revoke(&self, token: &str) -> Result<()> {
        let request = self.client.post(self.url(endpoint::REVOCATION));
        let request = request.basic_auth("machine", Some(CLIENT_SECRET)).form(&[("token", token)]);
        expect_json(200, request).await.map(drop)
    }

    /// How often it was asked for this, such as `GET /jwks`, since it was started. Our own questions count too.
    pub async fn count(&self, asked: &str) -> Result<u64> {
        Ok(self.counts().await?.get(asked).copied().unwrap_or_default())
    }

    /// The same for everything.
    pub async fn counts(&self) -> Result<BTreeMap<String, u64>> {
        Ok(serde_json::from_value(expect_json(200, self.control("GET", "counts")).await?)?)
    }

    /// Signs with new keys from now on.
    pub async fn rotate(&self, earlier: EarlierKeys) -> Result<()> {
        self.steer("rotate", &json!({"withdraw": earlier == EarlierKeys::Withdrawn})).await
    }

    /// Takes a client in: its metadata (RFC 7591 section 2), with its `client_id`.
    pub async fn register(&self, metadata: &Value) -> Result<()> {
        self.steer("clients", metadata).await
    }

    /// Sets its clock that much off the real one.
    pub async fn set_clock(&self, offset_seconds: i64) -> Result<()> {
        self.steer("clock", &json!({"offset_seconds": offset_seconds})).await
    }

    /// Answers these paths in this way from now on, in place of all earlier faults; the kinds stand in `controls.mjs`:
    /// `[{"paths": ["/jwks"], "kind": "slow", "milliseconds": 3000}]`. An empty list makes it whole again.
    pub async fn set_faults(&self, faults: &Value) -> Result<()> {
        self.steer("faults", faults).await
    }

    async fn steer(&self, control: &str, body: &Value) -> Result<()> {
        expect_json(200, self.control("POST", control).json(body)).await.map(drop)
    }

    fn control(&self, method: &str, control: &str) -> reqwest::RequestBuilder {
        let url = self.url(&format!("/test/{control}"));
        let request = if method == "GET" { self.client.get(url) } else { self.client.post(url) };
        request.bearer_auth(&self.control_token)
    }
}
