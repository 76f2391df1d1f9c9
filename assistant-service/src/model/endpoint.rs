//! One configured model at its server, by `async-openai` over a client of ours: its own would ask any address, follow
//! redirections, wait and ask again by rules that nobody set, and hide when to come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_openai::Client;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use async_openai::types::stream::StreamResponse;
use axum::http;
use futures_util::StreamExt;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Body, Response};
use secrecy::SecretString;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use zeroize::Zeroizing;

use super::Prompt;
use super::chunk::{Chunk, ErrorSaid};
use super::credentials::Credentials;
use super::dialect::Dialect;
use super::failure::{Failure, quoted};
use super::frames::{Overheard, frames};
use super::request::Request;
use super::settings::ModelSettings;
use crate::clock::until;
use crate::outbound::{Outbound, OutboundError, OutboundSettings};

/// Of what is said instead of an answer; a sentence of it is logged.
const MOST_BYTES_OF_AN_ERROR: usize = 64 * 1024;

/// A model at its server.
pub(super) struct Endpoint {
    pub(super) settings: ModelSettings,
    client: reqwest::Client,
    is_uncounted: AtomicBool,
    has_new_limit: AtomicBool,
}

/// An answer that has begun.
pub(super) struct Opened {
    pub(super) parts: StreamResponse<Chunk>,
    pub(super) overheard: Arc<Overheard>,
    /// Nothing of what the server says may show them.
    pub(super) secrets: Vec<Zeroizing<String>>,
}

impl Endpoint {
    pub(super) fn open(settings: ModelSettings) -> Result<Self, OutboundError> {
        let outbound = Outbound::new(&OutboundSettings {
            timeout: settings.timeout,
            max_bytes: 0,
            allowed_networks: settings.allowed_networks.clone(),
            ca_file: settings.ca_file.clone(),
            client_identity: None,
        })?;
        let client = outbound.client_for(&settings.base_url)?.clone();
        Ok(Self { settings, client, is_uncounted: AtomicBool::new(false), has_new_limit: AtomicBool::new(false) })
    }

    /// Asks once, in a dialect, at `now`, and comes back when an answer begins.
    pub(super) async fn ask(&self, prompt: &Prompt, dialect: Dialect, now: OffsetDateTime) -> Result<Opened, Failure> {
        let Credentials { headers, secrets } = Credentials::read(&self.settings).await?;
        let overheard = Arc::new(Overheard::default());
        let sending = (self.client.clone(), Arc::clone(&overheard), secrets.clone());
        let service = tower::service_fn(move |request: HttpRequestFactory| {
            let (client, overheard, secrets) = sending.clone();
            async move {
                let response = send(&client, request, &secrets, now)
                    .await
                    .map_err(|failure| OpenAIError::Boxed(failure.into()))?;
                let body = Body::wrap_stream(frames(response.bytes_stream().boxed(), overheard));
                Ok::<_, OpenAIError>(Response::from(http::Response::new(body)))
            }
        });
        let server = Server { settings: self.settings.clone(), headers, no_key: SecretString::default() };
        let client = Client::build(self.client.clone(), server).with_http_service(service);
        let request = Request::of(prompt, &self.settings, dialect);
        let parts = client.chat().create_stream_byot(&request).await.map_err(failure)?;
        Ok(Opened { parts, overheard, secrets })
    }

    /// What is known of the server's dialect.
    pub(super) fn dialect(&self) -> Dialect {
        Dialect {
            is_uncounted: self.is_uncounted.load(Ordering::Relaxed),
            has_new_limit: self.has_new_limit.load(Ordering::Relaxed),
        }
    }

    /// Keeps what has helped.
    pub(super) fn keep(&self, dialect: Dialect) {
        self.is_uncounted.fetch_or(dialect.is_uncounted, Ordering::Relaxed);
        self.has_new_limit.fetch_or(dialect.has_new_limit, Ordering::Relaxed);
    }
}

/// Where a model is asked, for `async-openai`; its own forms of this take keys and addresses from the environment.
struct Server {
    settings: ModelSettings,
    headers: HeaderMap,
    no_key: SecretString,
}

impl Config for Server {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        match &self.settings.azure {
            Some(azure) => format!("{}/openai/deployments/{}{path}", self.api_base(), azure.deployment),
            None => format!("{}{path}", self.api_base()),
        }
    }

    fn query(&self) -> Vec<(&str, &str)> {
        self.settings.azure.iter().map(|azure| ("api-version", azure.api_version.as_str())).collect()
    }

    fn api_base(&self) -> &str {
        self.settings.base_url.as_str().trim_end_matches('/')
    }

    fn api_key(&self) -> &SecretString {
        &self.no_key
    }
}

async fn send(
    client: &reqwest::Client,
    request: HttpRequestFactory,
    secrets: &[Zeroizing<String>],
    now: OffsetDateTime,
) -> Result<Response, Failure> {
    let request = request.build().await.map_err(failure)?;
    let mut response = client.execute(request).await.map_err(Failure::of)?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = retry_after(response.headers(), now);
    let mut body = Vec::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        body.extend_from_slice(&bytes);
        if body.len() > MOST_BYTES_OF_AN_ERROR {
            break;
        }
    }
    let (said, parameter) = match serde_json::from_slice::<Chunk>(&body).unwrap_or_default().error {
        Some(ErrorSaid { said, parameter, .. }) => (said, parameter),
        None => (String::from_utf8_lossy(&body).into_owned(), None),
    };
    Err(Failure::Status { status, said: quoted(&said, secrets), parameter, retry_after })
}

/// How long to wait (RFC 9110, section 10.2.3), or in Azure's finer form.
fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(milliseconds) = text("retry-after-ms").and_then(|text| text.parse().ok()) {
        return Some(Duration::from_millis(milliseconds));
    }
    let text = text(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    OffsetDateTime::parse(text, &Rfc2822).ok().map(|date| until(date, now))
}

/// What `async-openai` failed with, which is ours wherever it can be.
fn failure(error: OpenAIError) -> Failure {
    match error {
        OpenAIError::Boxed(ours) => match ours.downcast::<Failure>() {
            Ok(failure) => *failure,
            Err(_) => Failure::Malformed("an error of nobody"),
        },
        OpenAIError::Reqwest(error) => Failure::of(error),
        _ => Failure::Malformed("the conversation cannot be sent"),
    }
}
