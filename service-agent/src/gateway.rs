//! The agent's calls through the gateway. Each has a timeout and a bound on what it reads.

use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use thiserror::Error;

use crate::token::TokenSource;
use crate::wire::{
    CommandResult, Conflict, Extended, Heartbeat, Lease, LeaseRequest, Outcome, OutputPiece, OutputTaken, Problem,
};

/// How long the gateway may hold a long poll.
pub(crate) const LEASE_WAIT_SECONDS: u64 = 25;

const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Of heartbeats and output. Short, so that the next heartbeat comes in time when one hangs.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(5);

/// Largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Why a call came to nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The address or a certificate is not what it should be.
    #[error("the gateway cannot be used as given: {0}")]
    Setting(#[source] reqwest::Error),
    /// The gateway did not answer, or not in time.
    #[error("the gateway did not answer: {0}")]
    Unreachable(#[source] reqwest::Error),
    /// The token could not be read.
    #[error("the token cannot be read: {0}")]
    Token(#[source] std::io::Error),
    /// The lease belongs to somebody else, or the command has ended.
    #[error("the lease is lost")]
    LeaseLost,
    /// A piece of output does not follow what the service has.
    #[error("the service lacks output that stands before this")]
    OutputGap,
    /// The gateway or the service said no.
    #[error("refused with status {0}")]
    Refused(u16),
    /// The answer is larger than 1 MiB, or not what was asked for.
    #[error("the answer cannot be read")]
    Answer,
}

impl AgentError {
    /// Whether the same call may go through later (Knative's delivery rules: 404, 409, 429 and 5xx may, other 4xx do
    /// not). A conflict that means a lost lease is final; a 401 is not, because tokens are renewed, nor a 408, which
    /// says that the body was late.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Token(_) | Self::Answer | Self::OutputGap => true,
            Self::Refused(status) => matches!(status, 401 | 404 | 408 | 409 | 429 | 500..=599),
            Self::Setting(_) | Self::LeaseLost => false,
        }
    }
}

/// A gateway and the token to go through it.
#[derive(Clone, Debug)]
pub struct Gateway {
    client: Client,
    base_url: String,
    token: TokenSource,
    /// The trace that calls belong to.
    traceparent: Option<HeaderValue>,
}

impl Gateway {
    /// A gateway at `base_url`, such as `https://gw.example.com`. With `authority`, a certificate in PEM, that authority
    /// is trusted and no other.
    pub fn connect(base_url: &str, token: TokenSource, authority: Option<&[u8]>) -> Result<Self, AgentError> {
        // Only the first choice in a process counts; a program that has made its own keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder().timeout(CALL_TIMEOUT).redirect(reqwest::redirect::Policy::none());
        if let Some(pem) = authority {
            client = client.tls_certs_only([Certificate::from_pem(pem).map_err(AgentError::Setting)?]);
        }
        let client = client.build().map_err(AgentError::Setting)?;
        Ok(Self { client, base_url: base_url.trim_end_matches('/').to_owned(), token, traceparent: None })
    }

    /// The same, with calls that belong to this trace. What is no header is no trace.
    pub(crate) fn in_trace(&self, traceparent: Option<&str>) -> Self {
        let traceparent = traceparent.and_then(|text| HeaderValue::from_str(text).ok());
        Self { traceparent, ..self.clone() }
    }

    pub(crate) async fn lease(&self, service: &str) -> Result<Option<Lease>, AgentError> {
        let wait_seconds = LEASE_WAIT_SECONDS;
        let held = CALL_TIMEOUT.saturating_add(Duration::from_secs(wait_seconds));
        let path = format!("/v1/services/{service}/commands:lease");
        let call = self.call(&path, &LeaseRequest { wait_seconds }).await?.timeout(held);
        match self.send(call).await? {
            (StatusCode::NO_CONTENT, _) => Ok(None),
            (_, body) => serde_json::from_slice(&body).map(Some).map_err(|_| AgentError::Answer),
        }
    }

    pub(crate) async fn heartbeat(&self, command: &str, heartbeat: Heartbeat) -> Result<Extended, AgentError> {
        let call = self.call(&format!("/v1/commands/{command}/heartbeat"), &heartbeat).await?;
        let (_, body) = self.send(call.timeout(HEARTBEAT_TIMEOUT)).await?;
        // The status has said that the lease stands; nobody has asked for a stop in an answer that cannot be read.
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Hands over a piece of output; says how many bytes of it the service has.
    pub(crate) async fn output(&self, command: &str, piece: OutputPiece) -> Result<usize, AgentError> {
        let call = self.call(&format!("/v1/commands/{command}/output"), &piece).await?;
        let (_, body) = self.send(call.timeout(HEARTBEAT_TIMEOUT)).await?;
        let OutputTaken { output_bytes } = serde_json::from_slice(&body).unwrap_or_default();
        Ok(output_bytes)
    }

    pub(crate) async fn result(&self, command: &str, result: &CommandResult) -> Result<(), AgentError> {
        let call = self.call(&format!("/v1/commands/{command}/result"), result).await?;
        self.send(call).await.map(drop)
    }

    /// Tells how a command ended whose lease may be lost since: by a process that was started again after it was killed.
    /// [`AgentError::LeaseLost`] says that the command had ended otherwise; what was told is kept beside it.
    pub async fn late_result(&self, command: &str, fence: u64, outcome: Outcome) -> Result<(), AgentError> {
        self.result(command, &CommandResult::new(fence, outcome)).await
    }

    async fn call(&self, path: &str, body: &impl Serialize) -> Result<RequestBuilder, AgentError> {
        let token = self.token.token().await.map_err(AgentError::Token)?;
        let url = format!("{}{path}", self.base_url);
        let call = self.client.request(Method::POST, url).bearer_auth(token).json(body);
        Ok(match &self.traceparent {
            Some(traceparent) => call.header("traceparent", traceparent),
            None => call,
        })
    }

    async fn send(&self, call: RequestBuilder) -> Result<(StatusCode, Vec<u8>), AgentError> {
        let response = call.send().await.map_err(AgentError::Unreachable)?;
        let status = response.status();
        if status.is_success() {
            return Ok((status, read(response).await?));
        }
        let conflict = match status {
            StatusCode::CONFLICT => Problem::conflict(&read(response).await?),
            _ => Conflict::Passing,
        };
        Err(match conflict {
            Conflict::LeaseLost => AgentError::LeaseLost,
            Conflict::OutputGap => AgentError::OutputGap,
            Conflict::Passing => AgentError::Refused(status.as_u16()),
        })
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, AgentError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(AgentError::Unreachable)? {
        if body.len().saturating_add(chunk.len()) > MAX_ANSWER_BYTES {
            return Err(AgentError::Answer);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    use super::*;
    use crate::wire::Said;

    #[tokio::test(start_paused = true)]
    async fn a_heartbeat_that_nobody_answers_is_given_up_after_five_seconds() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let gateway = Gateway::connect(&url, TokenSource::Fixed("token".to_owned()), None).unwrap();
        let begun = Instant::now();
        let answer = gateway.heartbeat("c-1", Heartbeat { fence: 1, said: Said::default() }).await;
        assert!(matches!(answer, Err(AgentError::Unreachable(_))));
        assert_eq!(begun.elapsed().as_secs(), 5);
    }
}
