//! What the service tells while it answers.

use reqwest::Response;
use serde::Deserialize;
use serde_json::Value;

use crate::command_line::gateway::problem;
use crate::command_line::sent_events::{SentEvents, data};

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
pub(super) struct Events(SentEvents);

impl Events {
    pub(super) fn of(response: Response) -> anyhow::Result<Self> {
        SentEvents::of(response, MAX_BYTES).map(Self)
    }

    /// The next one; nothing once the stream has ended, however that came.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Event>> {
        let Some(event) = self.0.next().await? else { return Ok(None) };
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
