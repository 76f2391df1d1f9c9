//! HTTPS clients that trust the stage's own authority and nothing else.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Identity, Method, RequestBuilder};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;

/// A client for `localhost` on the loopback address, as a browser of the stage would be.
pub fn https(ca: &Path) -> Result<Client> {
    builder(ca)?.build().context("the HTTPS client could not be made")
}

/// The same, before it is built, for tests that need one special thing.
pub fn builder(ca: &Path) -> Result<ClientBuilder> {
    install_crypto();
    let pem = fs::read(ca).with_context(|| format!("{} cannot be read", ca.display()))?;
    Ok(Client::builder()
        .tls_certs_only([Certificate::from_pem(&pem).context("the stage's authority is not a certificate")?])
        .resolve("localhost", SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        // A test must see each answer, not where it leads.
        .redirect(Policy::none())
        .no_proxy()
        // Longer than the longest long poll; a test that hangs must end.
        .timeout(Duration::from_secs(60)))
}

/// A client that shows the certificate of that name, and trusts the authority beside it.
pub fn with_certificate(folder: &Path, name: &str) -> Result<Client> {
    let identity = identity(folder, name)?;
    builder(&folder.join("ca.pem"))?
        .identity(identity)
        .build()
        .context("the client with a certificate could not be made")
}

/// The certificate and key of that name, as `watchgate keys tls` writes them.
pub fn identity(folder: &Path, name: &str) -> Result<Identity> {
    let mut pem = Vec::new();
    for kind in ["pem", "key"] {
        let path = folder.join(format!("{name}.{kind}"));
        pem.extend(fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?);
    }
    Identity::from_pem(&pem).with_context(|| format!("{name} has no certificate"))
}

/// A client for plain HTTP, to go past Traefik.
pub fn plain() -> Result<Client> {
    install_crypto();
    Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(60))
        .build()
        .context("the HTTP client could not be made")
}

/// Names the one implementation of TLS's cryptography; whoever comes first decides, and all of us choose the same.
pub(crate) fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The stage's authority and nobody else's, for clients that bring their own TLS.
pub fn roots(ca: &Path) -> Result<RootCertStore> {
    install_crypto();
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).context("the stage's authority cannot be read")? {
        roots.add(certificate?)?;
    }
    Ok(roots)
}

/// Somebody who calls the gateway: one client, one origin, perhaps a token.
#[derive(Clone, Debug)]
pub struct Caller {
    client: Client,
    base_url: String,
    token: Option<String>,
}

impl Caller {
    /// A caller of `base_url`.
    pub fn new(client: Client, base_url: &str, token: Option<String>) -> Caller {
        Caller { client, base_url: base_url.to_owned(), token }
    }

    /// The token, for those who do not go through this client.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The same caller with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Caller {
        Caller { token: Some(token.to_owned()), ..self.clone() }
    }

    /// A request for a path, ready to be sent or changed.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base_url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// GET.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// POST of JSON.
    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).json(body)
    }
}

/// Sends, and gives the JSON when the status is the expected one.
pub async fn expect_json(expected: u16, request: RequestBuilder) -> Result<Value> {
    let answer = request.send().await?;
    let (url, status) = (answer.url().path().to_owned(), answer.status());
    let body = answer.text().await?;
    ensure!(status.as_u16() == expected, "{url} answered {status}, not {expected}: {body}");
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&body).with_context(|| format!("{url} answered no JSON: {body}"))
}

/// Sends, and gives the status.
pub async fn status(request: RequestBuilder) -> Result<u16> {
    Ok(request.send().await?.status().as_u16())
}
