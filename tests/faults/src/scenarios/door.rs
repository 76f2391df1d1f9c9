//! How somebody reaches the service: through the gate, whoever answers, or one replica by its place behind it.

use anyhow::{Context as _, Result};
use reqwest::RequestBuilder;
use serde_json::Value;
use watchgate_tests::client::Caller;
use watchgate_tests::replicas::at;

/// Somebody, and how many replicas are asked in turn.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) caller: Caller,
    pub(super) replicas: usize,
}

impl Door {
    /// A request to one of the replicas.
    pub(super) fn by(&self, turn: usize, request: RequestBuilder) -> RequestBuilder {
        if self.replicas > 1 { at(turn % self.replicas, request) } else { request }
    }
}

/// Status and body, which is null where there is none. Nothing when no promise was made: the service is away, there is no room, or
/// something else came in between.
pub(super) async fn heard(request: RequestBuilder) -> Result<Option<(u16, Value)>> {
    let Ok(answer) = request.send().await else { return Ok(None) };
    let status = answer.status();
    if status.is_server_error() || status.as_u16() == 429 {
        return Ok(None);
    }
    // The service may be killed while it writes the rest of an answer.
    let Ok(body) = answer.text().await else { return Ok(None) };
    if body.is_empty() {
        return Ok(Some((status.as_u16(), Value::Null)));
    }
    let json: Value = serde_json::from_str(&body).with_context(|| format!("{status} without JSON: {body}"))?;
    let kind = json.get("type").and_then(Value::as_str).unwrap_or_default();
    Ok((!kind.ends_with(":changed-meanwhile")).then_some((status.as_u16(), json)))
}
