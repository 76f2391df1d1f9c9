//! Calls of libpod's interface over its socket: bounded in time and size, and told apart by whether they may have changed
//! anything when they came to nothing.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;

use crate::runner::step::StepFailure;

/// Longer than Podman waits for a container to end.
pub(super) const TIMEOUT: Duration = Duration::from_secs(45);
const MAX_ANSWER_BYTES: usize = 2 * 1024 * 1024;
const LONGEST_REFUSAL_BYTES: usize = 500;

/// The socket.
#[derive(Clone)]
pub(super) struct Api {
    client: Client,
    base: Url,
}

/// What Podman says when it does not do something.
#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl Api {
    pub(super) fn open(socket: &Path) -> anyhow::Result<Self> {
        let socket = socket.canonicalize().with_context(|| {
            format!("{} is not there; start it with `systemctl --user start podman.socket`", socket.display())
        })?;
        // Only the first choice in a process counts, and all of us choose the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().unix_socket(socket).no_proxy().redirect(Policy::none()).timeout(TIMEOUT);
        // Podman's service may end between two steps; a connection that it left open leads nowhere.
        let client = client.pool_max_idle_per_host(0);
        Ok(Self { client: client.build()?, base: Url::parse("http://podman/v4.0.0/libpod")? })
    }

    /// Reads something as JSON; nothing when it is not there.
    pub(super) async fn look(&self, path: &[&str]) -> Result<Option<Value>, StepFailure> {
        let failed = |what: String| StepFailure::Failed(format!("Podman could not be asked: {what}"));
        let (status, body) = send(self.call(Method::GET, path, &[])?, MAX_ANSWER_BYTES).await.map_err(failed)?;
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !status.is_success() {
            return Err(refused(status, &body));
        }
        serde_json::from_slice(&body).map(Some).map_err(|error| failed(error.to_string()))
    }

    /// Reads bytes, up to a bound.
    pub(super) async fn read(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        max_bytes: usize,
    ) -> Result<Vec<u8>, StepFailure> {
        let failed = |what: String| StepFailure::Failed(format!("Podman could not be asked: {what}"));
        let (status, body) = send(self.call(Method::GET, path, query)?, max_bytes).await.map_err(failed)?;
        if status.is_success() { Ok(body) } else { Err(refused(status, &body)) }
    }

    /// Changes something.
    pub(super) async fn change(&self, path: &[&str], query: &[(&str, &str)]) -> Result<(), StepFailure> {
        self.send_change(self.call(Method::POST, path, query)?).await.map(drop)
    }

    /// Removes a container whatever it does, and leaves its volumes.
    pub(super) async fn remove(&self, id: &str) -> Result<(), StepFailure> {
        let query = [("force", "true"), ("timeout", super::STOP_SECONDS)];
        self.send_change(self.call(Method::DELETE, &["containers", id], &query)?).await.map(drop)
    }

    /// Makes a container, and gives its id.
    pub(super) async fn create(&self, spec: &Value) -> Result<String, StepFailure> {
        let call = self.call(Method::POST, &["containers", "create"], &[])?.json(spec);
        let body = self.send_change(call).await?;
        let made: Value = serde_json::from_slice(&body).unwrap_or_default();
        let id = made.get("Id").and_then(Value::as_str).map(str::to_owned);
        id.ok_or_else(|| StepFailure::Unknown("Podman did not say which container it made".to_owned()))
    }

    async fn send_change(&self, call: RequestBuilder) -> Result<Vec<u8>, StepFailure> {
        let unknown = |what: String| StepFailure::Unknown(format!("Podman was asked and did not answer: {what}"));
        let (status, body) = send(call, MAX_ANSWER_BYTES).await.map_err(unknown)?;
        // 304: it is so already.
        if status.is_success() || status == StatusCode::NOT_MODIFIED { Ok(body) } else { Err(refused(status, &body)) }
    }

    /// Segment by segment, so that none of them can become more than one.
    fn call(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> Result<RequestBuilder, StepFailure> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| StepFailure::Refused("the interface has no path".to_owned()))?
            .extend(path);
        Ok(self.client.request(method, url).query(query))
    }
}

async fn send(call: RequestBuilder, max_bytes: usize) -> Result<(StatusCode, Vec<u8>), String> {
    let said = |error: reqwest::Error| if error.is_timeout() { "not in time".to_owned() } else { error.to_string() };
    let mut answer = call.send().await.map_err(said)?;
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(said)? {
        if body.len().saturating_add(piece.len()) > max_bytes {
            return Err("the answer is too large".to_owned());
        }
        body.extend_from_slice(&piece);
    }
    Ok((answer.status(), body))
}

fn refused(status: StatusCode, body: &[u8]) -> StepFailure {
    let message = serde_json::from_slice::<Refusal>(body).map_or_else(|_| String::new(), |refusal| refusal.message);
    let shown = message.get(..message.floor_char_boundary(LONGEST_REFUSAL_BYTES)).unwrap_or_default();
    StepFailure::Failed(format!("Podman refused with {}: {shown}", status.as_u16()))
}
