//! A reader of the live tail who comes back with the last id it has seen, wherever the gateway sends it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::time::timeout;

use crate::client::Caller;

/// An open tail.
pub struct Tail {
    caller: Caller,
    query: Vec<(String, String)>,
    stream: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    text: String,
    last_id: Option<String>,
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
        Ok(Tail { caller, query, stream, text: String::new(), last_id: None })
    }

    /// Reads until so many events have come, coming back when the stream ends.
    pub async fn follow(mut self, count: usize, patience: Duration) -> Result<Seen> {
        let mut seen = Seen::default();
        let whole = async {
            while seen.ids.len() < count {
                match self.next().await? {
                    Some(id) => seen.ids.push(id),
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

    /// The next event's id; nothing when the stream has ended.
    async fn next(&mut self) -> Result<Option<String>> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let found = line("id:").zip(line("data:")).map(|(id, data)| (id.to_owned(), data.to_owned()));
                self.text = rest.to_owned();
                if let Some((last_id, data)) = found {
                    self.last_id = Some(last_id);
                    let event: Value = serde_json::from_str(&data)?;
                    let id = event.get("id").and_then(Value::as_str).context("an event without an id")?;
                    return Ok(Some(id.to_owned()));
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

    async fn resume(&mut self) -> Result<()> {
        self.text.clear();
        loop {
            let mut request = self.caller.get("/v1/events").query(&self.query);
            if let Some(id) = &self.last_id {
                request = request.header("last-event-id", id);
            }
            if let Some(stream) = stream(request).await? {
                self.stream = stream;
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Nothing while no replica answers.
async fn stream(request: RequestBuilder) -> Result<Option<BoxStream<'static, reqwest::Result<bytes::Bytes>>>> {
    let Ok(answer) = request.header("accept", "text/event-stream").send().await else { return Ok(None) };
    let status = answer.status().as_u16();
    if matches!(status, 502..=504) {
        return Ok(None);
    }
    ensure!(status == 200, "the tail was answered {status}: {}", answer.text().await?);
    Ok(Some(answer.bytes_stream().boxed()))
}
