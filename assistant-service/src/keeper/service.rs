//! The service as a keeper speaks to it, with a token that it makes from the gates' own key.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde_json::value::RawValue;
use thiserror::Error;
use trust_core::gate_key::GateKeys;
use trust_core::network::Network;
use trust_core::time::UnixSeconds;
use trust_core::transaction_token::{
    ANSWER_SEAL_HEADER, HEADER, KeeperRequest, TransactionKeys, answer_holds, keeper_token,
};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::config::ServiceConfig;
use super::gate_keys::{GATE_KEY, MAX_GATE_KEY_BYTES};
use super::key_sets::SharedKeySet;
use super::trust_folder::TrustFolder;
use super::wall::now;
use super::wire::TrustAnswer;
use crate::clock::Clock;
use crate::outbound::{ClientIdentity, Outbound, OutboundAnswer, OutboundError, OutboundSettings};

/// The service holds a poll no longer.
const MOST_WAIT: Duration = Duration::from_secs(25);
const PATIENCE: Duration = Duration::from_secs(10);
/// Some hundred thousand revocations. What is larger cannot be taken in, and the head grows stale.
const MAX_BYTES: usize = 128 * 1024 * 1024;

/// Why the service did not answer as it should.
#[derive(Debug, Error)]
pub(super) enum ServiceError {
    #[error("there is no gate.key to speak with")]
    NoKey,
    #[error("the service cannot be asked")]
    Outbound(#[from] OutboundError),
    #[error("the service answered {0}")]
    Status(StatusCode),
    #[error("whoever answered is not the service: the seal is missing, or does not hold")]
    Seal,
    #[error("the service's answer is of another form: {0}")]
    Form(#[from] serde_json::Error),
    #[error("the service's address cannot be joined with a path")]
    Address,
}

/// What became of gate keys that were offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    Taken,
    /// Other ones are current there; the feed brings them.
    Conflict,
}

/// A connection to the service.
#[derive(Clone)]
pub(super) struct Service {
    config: Arc<ServiceConfig>,
    trust: TrustFolder,
    clock: Arc<dyn Clock>,
    /// Made anew after a failure: certificates may have been replaced.
    outbound: Arc<Mutex<Outbound>>,
    wait: Duration,
}

impl Service {
    pub(super) fn connect(config: &ServiceConfig, trust: TrustFolder, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let outbound = Arc::new(Mutex::new(client(config)?));
        Ok(Self { config: Arc::new(config.clone()), trust, clock, outbound, wait: wait(config) })
    }

    /// What is new since `cursor`, as soon as there is something or, impatient, at once; without a cursor everything at once.
    pub(super) async fn news(&self, cursor: Option<&str>, is_patient: bool) -> Result<TrustAnswer, ServiceError> {
        let mut url = self.place(&["v1", "trust"])?;
        if let Some(cursor) = cursor {
            let wait = if is_patient { self.wait.as_secs() } else { 0 }.to_string();
            url.query_pairs_mut().append_pair("after", cursor).append_pair("wait", &wait);
        }
        let answer = self.call(Method::GET, &url, Vec::new()).await?;
        match answer.status {
            StatusCode::OK => Ok(serde_json::from_slice(&Zeroizing::new(answer.body))?),
            status => Err(ServiceError::Status(status)),
        }
    }

    /// Tells other hosts of keys that were fetched here.
    pub(super) async fn put_key_set(&self, keys: &SharedKeySet) -> Result<(), ServiceError> {
        let url = self.place(&["v1", "trust", "key-sets", &keys.name])?;
        let SharedKeySet { issuer, jwks, checked_at, .. } = keys;
        let body = serde_json::json!({"issuer": issuer, "jwks": jwks, "checked_at": checked_at});
        let answer = self.call(Method::PUT, &url, body.to_string().into_bytes()).await?;
        // A conflict says that somebody has told of newer ones.
        let is_told = answer.status.is_success() || answer.status == StatusCode::CONFLICT;
        if is_told { Ok(()) } else { Err(ServiceError::Status(answer.status)) }
    }

    /// Makes `keys` those of all hosts, if `previous` are still the current ones.
    pub(super) async fn put_gate_keys(&self, previous: Option<&str>, keys: &GateKeys) -> Result<Put, ServiceError> {
        #[derive(serde::Serialize)]
        struct Body<'a> {
            previous_kid: Option<&'a str>,
            gate_keys: &'a RawValue,
        }
        let url = self.place(&["v1", "trust", "gate-keys"])?;
        let json = keys.to_json();
        let body = serde_json::to_vec(&Body { previous_kid: previous, gate_keys: serde_json::from_str(&json)? })?;
        match self.call(Method::PUT, &url, body).await?.status {
            StatusCode::CONFLICT => Ok(Put::Conflict),
            status if status.is_success() => Ok(Put::Taken),
            status => Err(ServiceError::Status(status)),
        }
    }

    /// Each segment is encoded whole, a slash in it too.
    fn place(&self, segments: &[&str]) -> Result<Url, ServiceError> {
        let mut url = self.config.url.clone();
        url.path_segments_mut().map_err(|()| ServiceError::Address)?.pop_if_empty().extend(segments);
        Ok(url)
    }

    async fn call(&self, method: Method, url: &Url, body: Vec<u8>) -> Result<OutboundAnswer, ServiceError> {
        let mut headers = HeaderMap::new();
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let keys = self.keys().ok_or(ServiceError::NoKey)?;
        let token = self.token(&keys, &method, url).ok_or(ServiceError::NoKey)?;
        let mut shown = HeaderValue::from_str(&token).map_err(|_| ServiceError::NoKey)?;
        shown.set_sensitive(true);
        headers.insert(HeaderName::from_static(HEADER), shown);
        let outbound = self.outbound.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = outbound.call(method, url, headers, body).await;
        if answer.is_err()
            && let Ok(renewed) = client(&self.config)
        {
            *self.outbound.lock().unwrap_or_else(PoisonError::into_inner) = renewed;
        }
        let answer = answer?;
        if is_word(answer.status) && !is_sealed(&keys, &token, &answer) {
            return Err(ServiceError::Seal);
        }
        Ok(answer)
    }

    fn keys(&self) -> Option<TransactionKeys> {
        let bytes = Zeroizing::new(self.trust.read(GATE_KEY, MAX_GATE_KEY_BYTES).ok()??);
        Some(GateKeys::from_json(&bytes).ok()?.transaction_keys(&self.config.audience))
    }

    fn token(&self, keys: &TransactionKeys, method: &Method, url: &Url) -> Option<String> {
        let host = url
            .port()
            .map_or_else(|| url.host_str().map(str::to_owned), |port| Some(format!("{}:{port}", url.host_str()?)))?;
        let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let request = KeeperRequest { method: method.as_str(), host: &host, target: &target };
        keeper_token(keys, request, &Uuid::now_v7().to_string(), UnixSeconds(now(&*self.clock) / 1000))
    }
}

/// Whether anything follows from such an answer. Others are failures, whoever gave them: also those of a service that has no
/// time to look who asks, and can seal none.
fn is_word(status: StatusCode) -> bool {
    status.is_success() || status == StatusCode::CONFLICT
}

/// Whether the service has given this answer to the request with this token. Without TLS whoever has its port could answer.
fn is_sealed(keys: &TransactionKeys, token: &str, answer: &OutboundAnswer) -> bool {
    let seal = answer.headers.get(ANSWER_SEAL_HEADER).and_then(|seal| seal.to_str().ok());
    seal.is_some_and(|seal| answer_holds(keys, token, answer.status.as_u16(), &answer.body, seal))
}

/// Half of the silence that is borne: a poll that brings nothing is a word too.
fn wait(config: &ServiceConfig) -> Duration {
    MOST_WAIT.min(config.max_silence.checked_div(2).unwrap_or(MOST_WAIT))
}

fn client(config: &ServiceConfig) -> anyhow::Result<Outbound> {
    // Whoever writes the file may name any address of their own network; without TLS still none but this host's.
    let everywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|network| Network::parse(network).ok()).collect();
    Ok(Outbound::new(&OutboundSettings {
        timeout: wait(config).saturating_add(PATIENCE),
        max_bytes: MAX_BYTES,
        allowed_networks: everywhere,
        ca_file: config.ca_file.clone(),
        client_identity: identity(config)?,
    })?)
}

fn identity(config: &ServiceConfig) -> anyhow::Result<Option<ClientIdentity>> {
    let Some((certificate, key)) = &config.client else { return Ok(None) };
    let read = |path: &std::path::Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let mut pem = Zeroizing::new(read(certificate)?);
    pem.push(b'\n');
    pem.extend_from_slice(&Zeroizing::new(read(key)?));
    Ok(Some(ClientIdentity(pem)))
}
