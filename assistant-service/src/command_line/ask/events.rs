//! What the service tells while it answers, bounded in time and size.

use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use bytes::Bytes;
use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::command_line::gateway::problem;

/// The service shows every fifteen seconds that it is there.
const IDLE: Duration = Duration::from_secs(45);

/// No answer has more.
const MAX_BYTES: usize = 8 * 1024 * 1024;

pub(super) enum Event {
    Words(String),
    Anew,
    Answer(Value),
    Problem(String),
    End {
        complete: bool,
    },
    /// What goes on meanwhile, and what a newer service may tell.
    Other,
}

#[derive(Deserialize)]
struct Words {
    text: String,
}

#[derive(Deserialize)]
struct End {
    complete: bool,
}

/// A stream of them.
pub(super) struct Events(BoxStream<'static, Result<eventsource_stream::Event, EventStreamError<anyhow::Error>>>);

impl Events {
    pub(super) fn of(response: Response) -> anyhow::Result<Self> {
        let kind = response.headers().get(CONTENT_TYPE).map(|kind| kind.as_bytes());
        if !kind.is_some_and(|kind| kind.starts_with(b"text/event-stream")) {
            bail!("the gateway answers with something else than events; does the service behind it answer questions?");
        }
        Ok(Self(pieces(response).eventsource().boxed()))
    }

    /// The next one; nothing once the stream has ended, however that came.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Event>> {
        let event = match self.0.next().await {
            None => return Ok(None),
            Some(Ok(event)) => event,
            Some(Err(EventStreamError::Transport(error))) => return Err(error),
            Some(Err(error)) => bail!("the answer was cut off: {error}"),
        };
        Ok(Some(match event.event.as_str() {
            "words" => Event::Words(data::<Words>(&event.data)?.text),
            "anew" => Event::Anew,
            "answer" => Event::Answer(data(&event.data)?),
            "problem" => Event::Problem(problem(&event.data)?),
            "end" => Event::End { complete: data::<End>(&event.data)?.complete },
            _ => Event::Other,
        }))
    }
}

fn data<T: DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    serde_json::from_str(text).context("the answer is not what this program understands; is it as new as the service?")
}

fn pieces(response: Response) -> impl Stream<Item = anyhow::Result<Bytes>> {
    stream::try_unfold((response, 0_usize), |(mut response, read)| async move {
        let piece = tokio::time::timeout(IDLE, response.chunk()).await;
        let piece = piece.map_err(|_| anyhow!("the answer was cut off: nothing came any more"))?;
        let Some(piece) = piece.context("the answer was cut off")? else { return Ok(None) };
        let read = read.saturating_add(piece.len());
        ensure!(read <= MAX_BYTES, "the answer is larger than is read");
        Ok(Some((piece, (response, read))))
    })
}
