//! What an answer of the gateway means for the events that were posted.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::{MOST_ANSWER_BYTES, said};

/// Nobody is waited for longer, whatever they say.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// What became of a post.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// All are on stable storage but for these, which the service will never take: their places and why.
    Taken { refused: Vec<(usize, String)> },
    /// At least one will never be taken; which one is not said, unless it holds for all.
    Refused { reason: String, is_for_all: bool },
    /// Nothing is known to be taken: the same events are to be sent again.
    Later { wait: Option<Duration>, reason: String },
}

#[derive(Deserialize)]
struct Receipt {
    index: Option<usize>,
    dead_letter: Option<String>,
    #[serde(default)]
    errors: Vec<Mistake>,
}

#[derive(Deserialize)]
struct Mistake {
    field: String,
    detail: String,
}

#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    dead_letters: Vec<serde::de::IgnoredAny>,
}

impl Answer {
    pub(super) fn later(reason: String) -> Self {
        Self::Later { wait: None, reason }
    }

    /// Reads the answer to a post of so many events.
    pub(super) async fn read(response: Response, posted: usize) -> Self {
        let status = response.status();
        let wait = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
            .then(|| retry_after(&response))
            .flatten();
        let body = body(response).await;
        // Nothing but a 202 means stable storage.
        if status == StatusCode::ACCEPTED {
            return Self::Taken { refused: body.map(|body| refused(&body)).unwrap_or_default() };
        }
        let body = match body {
            Ok(body) => body,
            Err(reason) => return Self::Later { wait, reason },
        };
        let Problem { title, detail, dead_letters } = serde_json::from_slice(&body).unwrap_or_default();
        let reason = match title.is_empty() {
            true => format!("the gateway answers {status}"),
            false => format!("{title}: {detail} ({})", status.as_u16()),
        };
        // What is wrong with the events themselves stays wrong. All else may be mended: a token, a rule, a route.
        match status.as_u16() {
            400 | 413 | 415 | 422 => Self::Refused { reason, is_for_all: posted == 1 || dead_letters.len() == posted },
            _ => Self::Later { wait, reason },
        }
    }
}

fn refused(body: &[u8]) -> Vec<(usize, String)> {
    let receipts: Vec<Receipt> = serde_json::from_slice(body).unwrap_or_default();
    let dead = receipts.into_iter().filter_map(|Receipt { index, dead_letter, errors }| {
        let errors: Vec<_> = errors.iter().map(|Mistake { field, detail }| format!("{field}: {detail}")).collect();
        Some((index?, format!("dead letter {}: {}", dead_letter?, errors.join("; "))))
    });
    dead.collect()
}

/// Seconds; a date is not waited for.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

async fn body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| said(&error))? {
        if body.len().saturating_add(piece.len()) > MOST_ANSWER_BYTES {
            return Err("the gateway's answer is far too large".to_owned());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}
