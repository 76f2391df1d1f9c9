//! Steps that tell a service over HTTPS: JSON, signed, to an address that the runbook's file names.

mod allowed;
mod signature;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Map, Value};

use super::call::Call;
use super::journal::Handle;
use super::step::{StepContext, StepFailure, StepResult};
use crate::outbound::{Outbound, OutboundError, OutboundSettings};
use crate::runbooks::Webhook;
use signature::RequestSigner;

pub(super) use allowed::AllowedHost;

/// From the first look at the name to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_BODY_BYTES: usize = 1024 * 1024;
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Of the answer, what is shown.
const SHOWN_BYTES: usize = 1000;

/// Sends signed requests.
pub(super) struct Webhooks {
    signer: RequestSigner,
    /// To addresses of the internet.
    public: Outbound,
    /// To hosts that the operator has named, wherever in the own network they are.
    named: Outbound,
    allowed: Vec<AllowedHost>,
}

impl Webhooks {
    /// Reads the key and the authorities; they are not read again.
    pub(super) fn open(key: &Path, ca: Option<PathBuf>, allowed: Vec<AllowedHost>) -> anyhow::Result<Self> {
        let settings = OutboundSettings {
            timeout: TIMEOUT,
            max_bytes: MAX_ANSWER_BYTES,
            allowed_networks: Vec::new(),
            ca_file: ca,
            client_identity: None,
        };
        let public = Outbound::new(&settings)?;
        let named = Outbound::new(&OutboundSettings { allowed_networks: allowed::own_networks()?, ..settings })?;
        let signer = RequestSigner::open(key)?;
        tracing::info!(keyid = signer.keyid(), "webhooks are signed");
        Ok(Self { signer, public, named, allowed })
    }

    pub(super) async fn carry_out(&self, call: &Call, asked: &Webhook, context: &StepContext<'_>) -> StepResult {
        let url = url(&asked.url)?;
        let mut members = Map::new();
        for (name, argument) in &asked.body {
            members.insert(name.clone(), call.value(argument)?);
        }
        let body = Value::Object(members).to_string();
        if body.len() > MAX_BODY_BYTES {
            let detail = format!("the request has {} bytes and may have {MAX_BODY_BYTES}", body.len());
            return Err(StepFailure::Refused(detail));
        }
        if context.dry_run {
            return Ok(format!(
                "would post {} bytes to {url}; a webhook has no dry run, so nothing was sent",
                body.len()
            ));
        }
        let handle = context.trail.handle(Handle::Request { url: url.to_string() });
        handle
            .await
            .map_err(|error| StepFailure::Refused(format!("the runner's journal cannot be written: {error}")))?;
        context.or_ended(self.post(&url, body.into_bytes(), context)).await.map_err(|failure| match failure {
            StepFailure::Ended(why) => StepFailure::Unknown(format!("the request was under way and was {why}")),
            other => other,
        })
    }

    async fn post(&self, url: &Url, body: Vec<u8>, context: &StepContext<'_>) -> StepResult {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(signature::CONTENT_TYPE));
        let signed = self.signer.sign(url, &body, created);
        headers.extend(signed.map_err(|error| StepFailure::Refused(format!("it cannot be signed: {error:#}")))?);
        let outbound = if self.allowed.iter().any(|host| host.is(url)) { &self.named } else { &self.public };
        let answer = outbound.call(Method::POST, url, headers, body).await.map_err(failure)?;
        let text = String::from_utf8_lossy(&answer.body);
        let shown = text.get(..text.floor_char_boundary(SHOWN_BYTES)).unwrap_or_default();
        if !shown.is_empty() {
            context.telling.output(&format!("{shown}\n"));
        }
        let said = format!("{} answered {}", url.host_str().unwrap_or_default(), answer.status.as_u16());
        if answer.status.is_success() { Ok(said) } else { Err(StepFailure::Failed(said)) }
    }
}

/// HTTPS only, and nothing that would be told to the wrong one.
fn url(text: &str) -> Result<Url, StepFailure> {
    let url = Url::parse(text).map_err(|error| StepFailure::Refused(format!("the address is none: {error}")))?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if url.scheme() == "https" && url.has_host() && is_plain {
        Ok(url)
    } else {
        let detail = "the address must begin with https:// and have neither a user nor a fragment";
        Err(StepFailure::Refused(detail.to_owned()))
    }
}

/// Only what is known not to have arrived counts as not done.
fn failure(error: OutboundError) -> StepFailure {
    match error {
        OutboundError::Address => StepFailure::Refused(
            "the address is not one of the internet; name its host with --webhook-allow if it is to be told".to_owned(),
        ),
        OutboundError::Unreachable(cause) if cause.is_connect() => StepFailure::Failed(
            "no connection: nobody answers there, or the name leads to no address that may be told (see --webhook-allow)".to_owned(),
        ),
        OutboundError::Redirected(status) => {
            StepFailure::Failed(format!("the answer leads elsewhere ({}), and that is not followed", status.as_u16()))
        }
        OutboundError::Unreachable(_) | OutboundError::TimedOut | OutboundError::TooLarge => {
            StepFailure::Unknown(format!("the request was sent: {error}"))
        }
        OutboundError::Authorities(_)
        | OutboundError::Setting(_)
        | OutboundError::Scheme
        | OutboundError::Credentials => StepFailure::Refused(error.to_string()),
    }
}
