//! A stream of server-sent events as it comes through a gateway, bounded in time and size.

use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use bytes::Bytes;
use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

pub(super) use eventsource_stream::Event as SentEvent;

/// The service shows every fifteen seconds that it is there.
const IDLE: Duration = Duration::from_secs(45);

/// A stream of them.
pub(super) struct SentEvents(BoxStream<'static, Result<SentEvent, EventStreamError<anyhow::Error>>>);

impl SentEvents {
    /// What `response` brings, of which no more than `max_bytes` are read.
    pub(super) fn of(response: Response, max_bytes: usize) -> anyhow::Result<Self> {
        let kind = response.headers().get(CONTENT_TYPE).map(|kind| kind.as_bytes());
        if !kind.is_some_and(|kind| kind.starts_with(b"text/event-stream")) {
            bail!(
                "the gateway answers with something else than events; is the service behind it as new as this program?"
            );
        }
        Ok(Self(pieces(response, max_bytes).eventsource().boxed()))
    }

    /// The next one; nothing once the stream has ended, however that came.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<SentEvent>> {
        match self.0.next().await {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(EventStreamError::Transport(error))) => Err(error),
            Some(Err(error)) => bail!("the answer was cut off: {error}"),
        }
    }
}

/// What an event holds.
pub(super) fn data<T: DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    serde_json::from_str(text).context("the answer is not what this program understands; is it as new as the service?")
}

fn pieces(response: Response, max_bytes: usize) -> impl Stream<Item = anyhow::Result<Bytes>> {
    stream::try_unfold((response, 0_usize), move |(mut response, read)| async move {
        let piece = tokio::time::timeout(IDLE, response.chunk()).await;
        let piece = piece.map_err(|_| anyhow!("the answer was cut off: nothing came any more"))?;
        let Some(piece) = piece.context("the answer was cut off")? else { return Ok(None) };
        let read = read.saturating_add(piece.len());
        ensure!(read <= max_bytes, "the answer is larger than is read");
        Ok(Some((piece, (response, read))))
    })
}
