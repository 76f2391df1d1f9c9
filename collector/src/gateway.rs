//! The gateway as the collector posts to it: many events in one request, with the collector's own token and, where it is bound to a
//! key, a proof for each request.

mod answer;
mod own_token;
mod proof;

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode, Url};
use serde::Serialize;
use serde_json::value::RawValue;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use crate::spool::Spooled;
pub(crate) use answer::Answer;
use own_token::OwnToken;
pub use proof::ProofKey;

const CALL_TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Receipts of a hundred events have less.
const MOST_ANSWER_BYTES: usize = 1024 * 1024;

const NONCE: &str = "DPoP-Nonce";

/// Where the gateway is, and how to get through it.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// Its address, such as `https://gw.example.com`.
    pub address: Url,
    /// Holds a token; read for each request.
    pub token_file: PathBuf,
    /// Authorities in PEM that are trusted, and no others; without it those of the system.
    pub ca: Option<PathBuf>,
    /// The private key that the token is bound to (RFC 9449): P-256, PKCS #8, PEM.
    pub dpop_key: Option<PathBuf>,
    /// The source of the events; without it, the principal that the token names.
    pub source: Option<String>,
}

/// Why a gateway cannot be used as given.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// A file cannot be read.
    #[error("the file {0} cannot be read")]
    File(PathBuf, #[source] io::Error),
    /// The file of authorities holds none.
    #[error("{0} holds no certificate")]
    Authorities(PathBuf, #[source] reqwest::Error),
    /// The file of the key holds none.
    #[error("{0} holds no private key for ES256 (P-256, PKCS #8, PEM)")]
    Key(PathBuf),
    /// There is no token, or one whose principal cannot be read.
    #[error("{0}: {1}")]
    Token(PathBuf, &'static str),
    /// No client can be made of this.
    #[error("the gateway cannot be called as given")]
    Setting(#[source] reqwest::Error),
    /// The address has no path.
    #[error("the gateway's address must be an http address")]
    Address,
}

/// A gateway that can be posted to.
#[derive(Debug)]
pub(crate) struct Gateway {
    client: Client,
    events: Url,
    token_file: PathBuf,
    key: Option<ProofKey>,
    source: Option<String>,
    /// What the gate wants to read in the next proof.
    nonce: Mutex<Option<String>>,
}

#[derive(Serialize)]
struct Event<'a> {
    specversion: &'a str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    datacontenttype: &'a str,
    data: &'a RawValue,
}

impl Gateway {
    /// Reads what the settings name.
    pub(crate) fn connect(settings: &GatewaySettings) -> Result<Self, GatewayError> {
        // Only the first choice in a process counts, and all of us choose the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(CALL_TIMEOUT).connect_timeout(CONNECT_TIMEOUT).redirect(Policy::none());
        let mut client = client.user_agent(concat!("watchgate/", env!("CARGO_PKG_VERSION")));
        if let Some(file) = &settings.ca {
            let pem = std::fs::read(file).map_err(|error| GatewayError::File(file.clone(), error))?;
            let authorities = Certificate::from_pem_bundle(&pem);
            client =
                client.tls_certs_only(authorities.map_err(|error| GatewayError::Authorities(file.clone(), error))?);
        }
        let client = client.build().map_err(GatewayError::Setting)?;
        let mut events = settings.address.clone();
        events.path_segments_mut().map_err(|()| GatewayError::Address)?.pop_if_empty().extend(["v1", "events"]);
        let key = settings.dpop_key.as_deref().map(ProofKey::read).transpose()?;
        let (token_file, source) = (settings.token_file.clone(), settings.source.clone());
        let gateway = Self { client, events, token_file, key, source, nonce: Mutex::default() };
        // A mistake shows at the start, not with the first samples.
        gateway.token()?;
        Ok(gateway)
    }

    /// What a token must be bound to so that this collector can use it (RFC 7638).
    pub(crate) fn key_thumbprint(&self) -> Option<String> {
        self.key.as_ref().map(ProofKey::thumbprint)
    }

    /// Posts these events.
    pub(crate) async fn post(&self, spooled: &[Spooled]) -> Answer {
        let token = match self.token() {
            Ok(token) => token,
            Err(error) => return Answer::later(error.to_string()),
        };
        let body = match events(spooled, &token.source) {
            Ok(events) => format!("[{}]", events.join(",")),
            Err(error) => return Answer::later(format!("an event in the spool is no JSON: {error}")),
        };
        let mut has_tried_nonce = false;
        loop {
            let response = match self.send(&token, body.clone()).await {
                Ok(response) => response,
                Err(reason) => return Answer::later(reason),
            };
            let is_new = self.keep_nonce(&response);
            // A proof without the nonce was never taken for the request: nothing has happened yet.
            if response.status() == StatusCode::UNAUTHORIZED && is_new && !has_tried_nonce && self.key.is_some() {
                has_tried_nonce = true;
                continue;
            }
            return Answer::read(response, spooled.len()).await;
        }
    }

    /// An event as it is posted, for the file of what is refused.
    pub(crate) fn event(&self, spooled: &Spooled) -> Option<String> {
        let source = self.token().map(|token| token.source).unwrap_or_default();
        events(std::slice::from_ref(spooled), &source).ok()?.pop()
    }

    fn token(&self) -> Result<OwnToken, GatewayError> {
        OwnToken::read(&self.token_file, self.source.as_deref())
    }

    async fn send(&self, token: &OwnToken, body: String) -> Result<Response, String> {
        let scheme = if self.key.is_some() { "DPoP" } else { "Bearer" };
        let authorization = Zeroizing::new(format!("{scheme} {}", token.text.as_str()));
        let mut authorization = HeaderValue::from_str(&authorization).map_err(|_| "the token file holds no token")?;
        authorization.set_sensitive(true);
        let mut call = self.client.post(self.events.clone()).header(AUTHORIZATION, authorization);
        if let Some(key) = &self.key {
            let nonce = self.nonce.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let proof =
                key.proof("POST", &self.events, Some(&token.text), nonce.as_deref()).ok_or("no proof can be made")?;
            call = call.header("DPoP", proof);
        }
        let call = call.header(CONTENT_TYPE, "application/cloudevents-batch+json").body(body);
        call.send().await.map_err(|error| format!("{} does not answer: {}", self.events, cause(&error)))
    }

    fn keep_nonce(&self, response: &Response) -> bool {
        let Some(told) = response.headers().get(NONCE).and_then(|nonce| nonce.to_str().ok()) else { return false };
        let mut nonce = self.nonce.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = nonce.as_deref() != Some(told);
        *nonce = Some(told.to_owned());
        is_new
    }
}

/// What lies under an error of a call: the layers above say what was called, and no more.
pub(crate) fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(error) = innermost.source() {
        innermost = error;
    }
    innermost.to_string()
}

/// An error with its causes: its own text alone says neither «refused» nor «certificate».
pub(crate) fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn events(spooled: &[Spooled], source: &str) -> serde_json::Result<Vec<String>> {
    let event = |Spooled { id, device, time, data, .. }: &Spooled| {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(*time).saturating_mul(1_000_000)).ok();
        serde_json::to_string(&Event {
            specversion: "1.0",
            id,
            source,
            event_type: diagnosis::batch::EVENT_TYPE,
            subject: device,
            time: time.and_then(|time| time.format(&Rfc3339).ok()),
            datacontenttype: "application/json",
            data: serde_json::from_str(data)?,
        })
    };
    spooled.iter().map(event).collect()
}

#[cfg(test)]
mod tests;
