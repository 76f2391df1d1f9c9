//! Asking for a command so that it is made once, also where the answer is lost: under one key, which whoever asks again gives too.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use super::PATH;
use crate::command_line::gateway::{self, Gateway};

/// Before the first of the tries that follow; twice and three times as long before the others.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// How often it is asked again after an answer that was lost.
const AGAIN: u32 = 3;

/// What one try came to.
enum Answered {
    Command(Value),
    Refused(anyhow::Error),
    /// Nobody here knows whether the command was taken.
    Lost(anyhow::Error),
}

/// Asks for a command at `path` below the commands. Whatever cannot be known at the end, its error names the key.
pub(super) async fn ask(
    gateway: &Gateway,
    path: &[&str],
    key: &str,
    body: &Value,
    pause: Duration,
) -> anyhow::Result<Value> {
    let path = [PATH.as_slice(), path].concat();
    let mut lost = 0_u32;
    loop {
        let call = gateway.call(Method::POST, &path)?.header("idempotency-key", key).json(body);
        let error = match once(call).await {
            Answered::Command(command) => return Ok(command),
            Answered::Refused(error) if lost == 0 => return Err(error),
            Answered::Lost(_) if lost < AGAIN => {
                lost = lost.saturating_add(1);
                tokio::time::sleep(pause.saturating_mul(lost)).await;
                continue;
            }
            Answered::Refused(error) | Answered::Lost(error) => error,
        };
        let known = format!("the command may have been taken; ask again safely with --idempotency-key {key}");
        return Err(error.context(known));
    }
}

async fn once(call: RequestBuilder) -> Answered {
    let response = match call.send().await {
        Ok(response) => response,
        // Such as a key that no header can hold: nothing was sent.
        Err(error) if error.is_builder() => return Answered::Refused(error.into()),
        Err(error) => return Answered::Lost(anyhow::Error::from(error).context("the gateway does not answer")),
    };
    let is_lost = matches!(
        response.status(),
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    );
    let response = match gateway::taken(response).await {
        Ok(response) => response,
        Err(error) if is_lost => return Answered::Lost(error),
        Err(error) => return Answered::Refused(error),
    };
    match gateway::read(response).await {
        Ok(body) => gateway::understood(&body).map_or_else(Answered::Lost, Answered::Command),
        Err(error) => Answered::Lost(error),
    }
}
