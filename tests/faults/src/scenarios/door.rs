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

/// No promise was made, and why: the service is away, there is no room, or something else came in between.
#[derive(Debug)]
pub(super) struct NoAnswer(pub(super) String);

impl NoAnswer {
    fn to(answer: reqwest::Result<reqwest::Response>) -> Result<reqwest::Response, Self> {
        let answer = answer.map_err(|error| Self(kind_of(&error).to_owned()))?;
        let status = answer.status();
        let is_one = !status.is_server_error() && status.as_u16() != 429;
        if is_one { Ok(answer) } else { Err(Self(status.as_u16().to_string())) }
    }
}

fn kind_of(error: &reqwest::Error) -> &'static str {
    match error {
        error if error.is_timeout() => "timeout",
        error if error.is_connect() => "no connection",
        _ => "broken off",
    }
}

/// Status and body, which is null where there is none.
pub(super) async fn heard(request: RequestBuilder) -> Result<Result<(u16, Value), NoAnswer>> {
    let answer = match NoAnswer::to(request.send().await) {
        Ok(answer) => answer,
        Err(none) => return Ok(Err(none)),
    };
    let status = answer.status();
    // The service may be killed while it writes the rest of an answer.
    let body = match answer.text().await {
        Ok(body) => body,
        Err(error) => return Ok(Err(NoAnswer(kind_of(&error).to_owned()))),
    };
    if body.is_empty() {
        return Ok(Ok((status.as_u16(), Value::Null)));
    }
    let json: Value = serde_json::from_str(&body).with_context(|| format!("{status} without JSON: {body}"))?;
    let kind = json.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind.ends_with(":changed-meanwhile") {
        return Ok(Err(NoAnswer("changed meanwhile".to_owned())));
    }
    Ok(Ok((status.as_u16(), json)))
}
