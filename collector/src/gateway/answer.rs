//! What an answer of the gateway means for the events that were posted.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::{MOST_ANSWER_BYTES, cause};

/// Nobody is waited for longer, whatever they say.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// How the service says that it takes none of a batch's events, each for a reason of its own.
const BATCH_NOT_TAKEN: &str = "urn:watchgate:problem:batch-not-taken";

/// What became of a post.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The service has decided about each: all are on stable storage but for these, which it will never take: their places and why.
    Done { refused: Vec<(usize, String)> },
    /// Nothing is taken; of so many at once it may be.
    Fewer { most: usize },
    /// Nothing is known to be taken: the same events are to be sent again.
    Later { wait: Option<Duration>, reason: String },
}

/// Of an event that is taken, by its identifier, or of one that has become a dead letter.
#[derive(Deserialize)]
struct Receipt {
    id: Option<String>,
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
#[serde(default)]
struct Problem {
    #[serde(rename = "type")]
    problem_type: String,
    title: String,
    detail: String,
    dead_letters: Vec<Receipt>,
}

impl Receipt {
    fn decides(&self) -> bool {
        self.id.is_some() || (self.index.is_some() && self.dead_letter.is_some())
    }
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
        let body = match body {
            Ok(body) => body,
            Err(reason) => return Self::Later { wait, reason },
        };
        // Nothing but a 202 means stable storage, and a receipt for each says whose 202 it is. What was stored all the same and is sent again is
        // known by its identifier.
        if status == StatusCode::ACCEPTED {
            let receipts: Vec<Receipt> = serde_json::from_slice(&body).unwrap_or_default();
            let is_whole = receipts.len() == posted && receipts.iter().all(Receipt::decides);
            return match is_whole {
                true => Self::Done { refused: refused(receipts) },
                false => Self::later(format!("the gateway answers {status}, and not with a receipt for each event")),
            };
        }
        let Problem { problem_type, title, detail, dead_letters } = serde_json::from_slice(&body).unwrap_or_default();
        if problem_type == BATCH_NOT_TAKEN {
            let refused = refused(dead_letters);
            // Each by its place, or else nothing is known of some.
            if refused.iter().map(|(index, _)| *index).eq(0..posted) {
                return Self::Done { refused };
            }
        }
        // Whoever stands before the service may take less at once than it does.
        if status == StatusCode::PAYLOAD_TOO_LARGE && posted > 1 {
            return Self::Fewer { most: posted / 2 };
        }
        // A status alone says nothing about an event: a proxy or the gate may have answered, and be mended.
        let reason = match title.is_empty() {
            true => format!("the gateway answers {status}"),
            false => format!("{title}: {detail} ({})", status.as_u16()),
        };
        Self::Later { wait, reason }
    }
}

fn refused(receipts: Vec<Receipt>) -> Vec<(usize, String)> {
    let dead = receipts.into_iter().filter_map(|Receipt { index, dead_letter, errors, .. }| {
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
    while let Some(piece) =
        response.chunk().await.map_err(|error| format!("the gateway's answer broke off: {}", cause(&error)))?
    {
        if body.len().saturating_add(piece.len()) > MOST_ANSWER_BYTES {
            return Err("the gateway's answer is far too large".to_owned());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}
