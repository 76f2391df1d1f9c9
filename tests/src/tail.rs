//! A reader of the live tail who comes back with the last id it has seen, wherever the gateway sends it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::time::timeout;

use crate::client::Caller;

/// After no answer, unless it is told otherwise.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// An open tail.
pub struct Tail {
    caller: Caller,
    query: Vec<(String, String)>,
    stream: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    text: String,
    last_id: Option<String>,
    again_after: Duration,
}

/// What came.
#[derive(Debug, Default)]
pub struct Seen {
    /// The events' ids, in the order in which they came.
    pub ids: Vec<String>,
    /// How many times it had to come back.
    pub resumed: usize,
}

impl Tail {
    /// Opens it; `first` may say more of the first request.
    pub async fn open(
        caller: Caller,
        query: &[(&str, &str)],
        first: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Tail> {
        let query: Vec<_> = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = first(caller.get("/v1/events").query(&query));
        let stream = stream(request).await?.context("the tail was not opened")?;
        Ok(Tail { caller, query, stream, text: String::new(), last_id: None, again_after: AGAIN_AFTER })
    }

    /// The same, asking again only after so long where nobody has answered.
    #[must_use]
    pub fn asking_again_after(self, again_after: Duration) -> Tail {
        Tail { again_after, ..self }
    }

    /// Reads until so many events have come, coming back when the stream ends.
    pub async fn follow(mut self, count: usize, patience: Duration) -> Result<Seen> {
        let mut seen = Seen::default();
        let whole = async {
            while seen.ids.len() < count {
                match self.next().await? {
                    Some(event) => {
                        let id = event.get("id").and_then(Value::as_str).context("an event without an id")?;
                        seen.ids.push(id.to_owned());
                    }
                    None => {
                        self.resume().await?;
                        seen.resumed = seen.resumed.saturating_add(1);
                    }
                }
            }
            anyhow::Ok(())
        };
        let ended = timeout(patience, whole).await;
        ensure!(ended.is_ok(), "the tail saw {} of {count} events in time", seen.ids.len());
        ended??;
        Ok(seen)
    }

    /// The next event; nothing when the stream has ended.
    pub async fn next(&mut self) -> Result<Option<Value>> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let found = line("id:").zip(line("data:")).map(|(id, data)| (id.to_owned(), data.to_owned()));
                self.text = rest.to_owned();
                if let Some((last_id, data)) = found {
                    self.last_id = Some(last_id);
                    return Ok(Some(serde_json::from_str(&data)?));
                }
                continue;
            }
            match self.stream.next().await {
                // A chunk may end in the middle of a character only if the data is not ASCII, which that of tests is.
                Some(Ok(chunk)) => self.text.push_str(std::str::from_utf8(&chunk)?),
                Some(Err(_)) | None => return Ok(None),
            }
        }
    }

    /// Opens it again behind the last event that has come, as soon as somebody answers; says how often nobody did.
    pub async fn resume(&mut self) -> Result<u64> {
        self.text.clear();
        let mut unanswered: u64 = 0;
        loop {
            let mut request = self.caller.get("/v1/events").query(&self.query);
            if let Some(id) = &self.last_id {
                request = request.header("last-event-id", id);
            }
            if let Some(stream) = stream(request).await? {
                self.stream = stream;
                return Ok(unanswered);
            }
            unanswered = unanswered.saturating_add(1);
            tokio::time::sleep(self.again_after).await;
        }
    }
}

/// Nothing while no replica answers.
async fn stream(request: RequestBuilder) -> Result<Option<BoxStream<'static, reqwest::Result<bytes::Bytes>>>> {
    let Ok(answer) = request.header("accept", "text/event-stream").send().await else { return Ok(None) };
    let status = answer.status().as_u16();
    if matches!(status, 429 | 502..=504) {
        return Ok(None);
    }
    ensure!(status == 200, "the tail was answered {status}: {}", answer.text().await?);
    Ok(Some(answer.bytes_stream().boxed()))
}
