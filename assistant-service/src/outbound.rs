//! HTTPS to addresses that a file names and others answer for: identity providers and their keys.
//!
//! Whoever answers is not trusted with this program's time, memory or reach: an answer has a deadline and a bound, leads
//! nowhere else, and comes from an address that was looked at after its name was resolved, so that no provider can make this
//! program ask a neighbour of its own host. Proxies of the environment are not used: they would resolve names themselves.

mod addresses;

use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Identity, Method, Response, StatusCode, Url};
use thiserror::Error;
use trust_core::network::Network;
use zeroize::Zeroizing;

use addresses::{Addresses, VettingResolver};

/// Of the whole time, what may pass until there is a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// What calls may take and reach.
#[derive(Clone, Debug)]
pub struct OutboundSettings {
    /// From the first look at the name to the last byte of the answer.
    pub timeout: Duration,
    /// The largest body that is read.
    pub max_bytes: usize,
    /// Addresses that may be asked although they are no global unicast ones; loopback addresses in them without TLS too.
    pub allowed_networks: Vec<Network>,
    /// A file of authorities in PEM that are trusted, and no others; without it, those of the system.
    pub ca_file: Option<PathBuf>,
    /// What the client shows of itself.
    pub client_identity: Option<ClientIdentity>,
}

/// A certificate chain and its private key, both in PEM, one behind the other. Its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct ClientIdentity(pub Zeroizing<Vec<u8>>);

impl std::fmt::Debug for ClientIdentity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ClientIdentity(…)")
    }
}

/// How a form's sender proves who it is.
#[derive(Clone)]
pub enum ClientAuthentication {
    /// By what is in the form, or by the connection's certificate.
    None,
    /// `client_secret_basic` (RFC 6749, section 2.3.1).
    Basic {
        /// The client's name at the provider.
        client_id: String,
        /// What both know.
        client_secret: Zeroizing<String>,
    },
    /// A token of the client's own (RFC 6750, section 2.1).
    Bearer(Zeroizing<String>),
}

/// What was answered; any status but a redirection.
#[derive(Debug)]
pub struct OutboundAnswer {
    /// The status.
    pub status: StatusCode,
    /// Every header.
    pub headers: HeaderMap,
    /// The whole body, no larger than the settings let it be.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum OutboundError {
    /// The file of authorities cannot be read.
    #[error("the file of authorities cannot be read")]
    Authorities(#[source] std::io::Error),
    /// The authorities or the client's certificate are not what they should be.
    #[error("the authorities or the client's certificate are of no use")]
    Setting(#[source] reqwest::Error),
    /// The address is neither `https` nor `http` to an allowed loopback address, or has a user's name in it.
    #[error("the address must begin with https:// and hold no user's name")]
    Scheme,
    /// The address is a literal one that may not be asked.
    #[error(
        "the address is not one of the internet; if it may be asked, name its network in allowedNetworks, such as 127.0.0.0/8"
    )]
    Address,
    /// A value that no header can carry.
    #[error("the credentials cannot stand in a header")]
    Credentials,
    /// No connection, or one that broke, or a name without an address that may be asked.
    #[error("no answer")]
    Unreachable(#[source] reqwest::Error),
    /// It took too long.
    #[error("no whole answer in time")]
    TimedOut,
    /// The answer leads elsewhere.
    #[error("the answer leads elsewhere ({0})")]
    Redirected(StatusCode),
    /// The body is larger than the bound.
    #[error("the answer is too large")]
    TooLarge,
}

/// A client under one set of settings; cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbound {
    secure: Client,
    /// For addresses of this host alone.
    plain: Client,
    allowed: Addresses,
    timeout: Duration,
    max_bytes: usize,
}

impl Outbound {
    /// Reads what the settings name; that is not read again.
    pub fn new(settings: &OutboundSettings) -> Result<Self, OutboundError> {
        // Only the first choice in a process counts, and every choice here is this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let allowed = Addresses { allowed: settings.allowed_networks.clone(), loopback_only: false };
        let mut secure = bounded(settings, &allowed).https_only(true);
        if let Some(file) = &settings.ca_file {
            let pem = std::fs::read(file).map_err(OutboundError::Authorities)?;
            secure = secure.tls_certs_only(Certificate::from_pem_bundle(&pem).map_err(OutboundError::Setting)?);
        }
        if let Some(ClientIdentity(pem)) = &settings.client_identity {
            secure = secure.identity(Identity::from_pem(pem).map_err(OutboundError::Setting)?);
        }
        let plain = bounded(settings, &Addresses { loopback_only: true, ..allowed.clone() }).tls_certs_only([]);
        Ok(Self {
            secure: secure.build().map_err(OutboundError::Setting)?,
            plain: plain.build().map_err(OutboundError::Setting)?,
            allowed,
            timeout: settings.timeout,
            max_bytes: settings.max_bytes,
        })
    }

    /// GET.
    pub async fn get(&self, url: &Url) -> Result<OutboundAnswer, OutboundError> {
        self.call(Method::GET, url, HeaderMap::new(), Vec::new()).await
    }

    /// POST of `application/x-www-form-urlencoded` that asks for JSON.
    pub async fn post_form(
        &self,
        url: &Url,
        fields: &[(&str, &str)],
        authentication: &ClientAuthentication,
    ) -> Result<OutboundAnswer, OutboundError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(value) = authorization(authentication)? {
            headers.insert(AUTHORIZATION, value);
        }
        let pairs: Vec<_> =
            fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        self.call(Method::POST, url, headers, pairs.join("&").into_bytes()).await
    }

    /// Any other request. It is made once: whether it may be made again, the caller knows.
    pub async fn call(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<OutboundAnswer, OutboundError> {
        let request = self.client_for(url)?.request(method, url.clone()).headers(headers).body(body);
        let whole = async {
            let response = request.send().await.map_err(OutboundError::Unreachable)?;
            let status = response.status();
            if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
                return Err(OutboundError::Redirected(status));
            }
            let headers = response.headers().clone();
            Ok(OutboundAnswer { status, headers, body: read(response, self.max_bytes).await? })
        };
        tokio::time::timeout(self.timeout, whole).await.map_err(|_| OutboundError::TimedOut)?
    }

    /// The client that may ask this address, for those who read answers as they come. What it is asked is bounded in time by
    /// the settings, and in size by nobody.
    pub(crate) fn client_for(&self, url: &Url) -> Result<&Client, OutboundError> {
        let (client, loopback_only) = match url.scheme() {
            "https" => (&self.secure, false),
            "http" => (&self.plain, true),
            _ => return Err(OutboundError::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Scheme);
        }
        // The resolver never sees a literal address.
        let addresses = Addresses { loopback_only, ..self.allowed.clone() };
        match addresses::literal(url) {
            Some(address) if !addresses.admit(address) => Err(OutboundError::Address),
            // A name in a plain address could only be refused by its resolver, as one that leads nowhere.
            None if loopback_only && !addresses.admit_any_loopback() => Err(OutboundError::Scheme),
            _ => Ok(client),
        }
    }
}

fn bounded(settings: &OutboundSettings, addresses: &Addresses) -> ClientBuilder {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT.min(settings.timeout))
        .timeout(settings.timeout)
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .dns_resolver(VettingResolver(addresses.clone()))
}

fn authorization(authentication: &ClientAuthentication) -> Result<Option<HeaderValue>, OutboundError> {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    let text = match authentication {
        ClientAuthentication::None => return Ok(None),
        ClientAuthentication::Basic { client_id, client_secret } => {
            let pair = Zeroizing::new(format!("{}:{}", encoded(client_id), encoded(client_secret)));
            Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(pair.as_bytes())))
        }
        ClientAuthentication::Bearer(token) => Zeroizing::new(format!("Bearer {}", token.as_str())),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| OutboundError::Credentials)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// `application/x-www-form-urlencoded`, stricter than it need be: everything but the unreserved characters is encoded.
fn encoded(text: &str) -> String {
    use std::fmt::Write as _;

    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

async fn read(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, OutboundError> {
    let says_more = response
        .content_length()
        .is_some_and(|length| usize::try_from(length).map_or(true, |length| length > max_bytes));
    if says_more {
        return Err(OutboundError::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(OutboundError::Unreachable)? {
        if body.len().saturating_add(chunk.len()) > max_bytes {
            return Err(OutboundError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests;
