//! One provider, and how it is asked about a token (RFC 7662, section 2.1).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use thiserror::Error;
use tokio::sync::Semaphore;

use super::client_authentication::{CannotAuthenticate, ClientMethod};
use super::discovery::{Endpoint, NotDiscovered};
use super::introspection::{ActiveToken, Expected, InvalidAnswer, Judgement, NotGood, judge};
use super::settings::ProviderSettings;
use super::sources::Sources;
use crate::clock::Clock;
use crate::media_type::essence;
use crate::outbound::{Outbound, OutboundAnswer, OutboundError, OutboundSettings};
use crate::rate::OverBound;

/// From the first look for the provider to the last byte of its answer, retry and all: a client waits as long.
const DEADLINE: Duration = Duration::from_secs(2);

const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// A provider that can be asked.
pub(crate) struct Provider {
    pub(crate) name: String,
    expected: Expected,
    client_id: String,
    method: ClientMethod,
    endpoint: Endpoint,
    outbound: Outbound,
    at_work: Semaphore,
    sources: Sources,
    clock: Arc<dyn Clock>,
}

/// Why a provider's settings do not work.
#[derive(Debug, Error)]
pub(crate) enum CannotOpen {
    #[error(transparent)]
    Authentication(#[from] CannotAuthenticate),
    #[error(transparent)]
    Outbound(#[from] OutboundError),
}

/// Why nothing is known of a token. It is not the token's fault.
#[derive(Debug, Error)]
pub(crate) enum NoAnswer {
    #[error("as many tokens are asked about as may be at once")]
    Busy,
    #[error("no whole answer in time")]
    TimedOut,
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error(transparent)]
    NotDiscovered(#[from] NotDiscovered),
    #[error(transparent)]
    CannotAuthenticate(#[from] CannotAuthenticate),
    #[error("it answered with status {0}")]
    Status(StatusCode),
    #[error("it answered with another content type than application/json")]
    ContentType,
    #[error(transparent)]
    Invalid(#[from] InvalidAnswer),
}

impl Provider {
    /// Reads what the settings name. Nobody is asked yet.
    pub(crate) fn open(settings: ProviderSettings, clock: Arc<dyn Clock>) -> Result<Self, CannotOpen> {
        let outbound = Outbound::new(&OutboundSettings {
            timeout: DEADLINE,
            max_bytes: MAX_ANSWER_BYTES,
            allowed_networks: settings.allowed_networks,
            ca_file: settings.ca_file,
            client_identity: settings.method.identity()?,
        })?;
        // A secret that is not there shall be known before the first client comes.
        settings.method.proof(&settings.client_id, &settings.expected.issuer, clock.now().unix_timestamp())?;
        Ok(Self {
            name: settings.name,
            endpoint: Endpoint::new(settings.introspection_endpoint, &settings.expected.issuer),
            expected: settings.expected,
            client_id: settings.client_id,
            method: settings.method,
            outbound,
            at_work: Semaphore::new(settings.max_concurrent),
            sources: Sources::new(settings.per_source_per_minute),
            clock,
        })
    }

    /// Whose tokens these are.
    pub(crate) fn issuer(&self) -> &str {
        &self.expected.issuer
    }

    /// Counts a question that this source causes.
    pub(crate) fn count(&self, source: Option<IpAddr>) -> Result<(), OverBound> {
        self.sources.take(source)
    }

    /// Asks about a token. Nobody waits for a turn: a queue would only turn a slow provider into slow refusals.
    pub(crate) async fn introspect(&self, token: &str) -> Result<Result<ActiveToken, NotGood>, NoAnswer> {
        let _turn = self.at_work.try_acquire().map_err(|_| NoAnswer::Busy)?;
        let answer = tokio::time::timeout(DEADLINE, self.ask(token)).await.map_err(|_| NoAnswer::TimedOut)??;
        if answer.status != StatusCode::OK {
            return Err(NoAnswer::Status(answer.status));
        }
        let kind = answer.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(essence);
        if kind.as_deref() != Some("application/json") {
            return Err(NoAnswer::ContentType);
        }
        match judge(&answer.body, &self.expected, self.clock.now().unix_timestamp()) {
            Ok(active) => Ok(Ok(active)),
            Err(Judgement::NotGood(reason)) => Ok(Err(reason)),
            Err(Judgement::Invalid(invalid)) => Err(invalid.into()),
        }
    }

    async fn ask(&self, token: &str) -> Result<OutboundAnswer, NoAnswer> {
        let url = self.endpoint.url(&self.outbound).await?;
        let proof = self.method.proof(&self.client_id, &self.expected.issuer, self.clock.now().unix_timestamp())?;
        let mut fields = vec![("token", token), ("token_type_hint", "access_token")];
        fields.extend(proof.fields.iter().map(|(name, value)| (*name, value.as_str())));
        let post = || self.outbound.post_form(&url, &fields, &proof.authentication);
        match post().await {
            // No connection, so nobody has read the assertion or counted the question.
            Err(OutboundError::Unreachable(cause)) if cause.is_connect() => Ok(post().await?),
            answer => Ok(answer?),
        }
    }
}
