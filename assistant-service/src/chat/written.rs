//! An answer in chunks. It is whole where `[DONE]` comes, and only there.

use axum::response::sse::Event;
use serde::Serialize;
use serde_json::{Value, json};

use super::completions::Head;
use super::refusal::Refusal;
use super::whole::{CallObject, UsageObject, finish_reason};
use crate::model::{End, Piece};

/// Writes the chunks of one answer.
pub(super) struct Writer {
    head: Head,
    with_usage: bool,
    calls: usize,
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: String,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: Vec<Value>,
    /// Null until the last chunk, and not there at all unless it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<UsageObject>>,
}

impl Writer {
    pub(super) fn new(head: Head, with_usage: bool) -> Self {
        Self { head, with_usage, calls: 0 }
    }

    /// Who speaks.
    pub(super) fn begin(&self) -> Event {
        self.delta(&json!({"role": "assistant", "content": ""}), None)
    }

    pub(super) fn write(&mut self, piece: Result<Piece, Refusal>) -> Vec<Event> {
        match piece {
            Ok(Piece::Text(text)) => vec![self.delta(&json!({"content": text}), None)],
            Ok(Piece::Call(call)) => {
                let mut object = json!(CallObject::from(call));
                if let Some(object) = object.as_object_mut() {
                    object.insert("index".to_owned(), self.calls.into());
                }
                self.calls = self.calls.saturating_add(1);
                vec![self.delta(&json!({"tool_calls": [object]}), None)]
            }
            Ok(Piece::End(end)) => self.end(&end),
            Err(refusal) => vec![event(&refusal.into_told().1)],
        }
    }

    fn end(&self, end: &End) -> Vec<Event> {
        let finish = self.delta(&json!({}), Some(finish_reason(end.reason)));
        let usage = self.with_usage.then(|| self.chunk(Vec::new(), Some(end.usage.into())));
        [Some(finish), usage, Some(Event::default().data("[DONE]"))].into_iter().flatten().collect()
    }

    fn delta(&self, delta: &Value, finish_reason: Option<&str>) -> Event {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
        self.chunk(vec![choice], None)
    }

    fn chunk(&self, choices: Vec<Value>, usage: Option<UsageObject>) -> Event {
        event(&Chunk {
            id: self.head.name(),
            object: "chat.completion.chunk",
            created: self.head.created,
            model: &self.head.model,
            choices,
            usage: self.with_usage.then_some(usage),
        })
    }
}

fn event(data: &impl Serialize) -> Event {
    // Strings, numbers and lists alone: this has no way to fail.
    Event::default().data(serde_json::to_string(data).unwrap_or_default())
}
