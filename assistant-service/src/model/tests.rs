//! The configured models against servers of this process, which say byte for byte what a test wants.

mod dialects;
mod failing;
mod fallback;
mod leaving;
mod private;
mod requests;
mod server;
mod spending;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::*;
use crate::testing::Stage;
use server::{Act, ScriptedServer};

/// Longer than anything that a test waits for: whoever waits for so long hangs.
const PATIENCE: Duration = Duration::from_secs(20);

const DONE: &str = "data: [DONE]\n\n";

struct Bench {
    models: OpenAiModels,
    stage: Stage,
}

#[derive(Debug, PartialEq, Eq)]
struct Whole {
    text: String,
    calls: Vec<ToolCall>,
    end: End,
}

impl Bench {
    fn new(settings: &str) -> Self {
        let (settings, stage) = (ModelsSettings::read(settings).unwrap(), Stage::new());
        let (backbone, clock) = (Arc::clone(&stage.state.backbone), stage.clock.clone());
        let models = OpenAiModels::open(settings, backbone, clock, &stage.state.metrics).unwrap();
        Self { models, stage }
    }

    /// One model for each server, called `a`, `b` and so on, with these lines besides.
    fn with(servers: &[&ScriptedServer], lines: &[&str]) -> Self {
        let mut text = String::from("models:\n");
        for (name, server) in ('a'..).zip(servers) {
            text += &format!("  - name: {name}\n    baseUrl: {}\n    model: m-{name}\n", server.url());
            text += "    allowedNetworks: [127.0.0.0/8]\n";
            for line in lines {
                text += &format!("    {line}\n");
            }
        }
        Self::new(&text)
    }

    fn ask(&self) -> BoxStream<'static, Result<Piece, ModelError>> {
        self.models.complete(prompt())
    }

    /// A whole answer, or what there is instead.
    async fn answer(&self) -> Result<Whole, ModelError> {
        self.answer_to(prompt()).await.1
    }

    /// The same, and the text that was given out before.
    async fn answer_to(&self, prompt: Prompt) -> (String, Result<Whole, ModelError>) {
        let mut pieces = self.models.complete(prompt);
        let (mut text, mut calls) = (String::new(), Vec::new());
        loop {
            match timeout(PATIENCE, pieces.next()).await.expect("a hung request") {
                Some(Ok(Piece::Text(more))) => text += &more,
                Some(Ok(Piece::Call(call))) => calls.push(call),
                Some(Ok(Piece::End(end))) => {
                    assert!(pieces.next().await.is_none(), "the end is the last");
                    return (text.clone(), Ok(Whole { text, calls, end }));
                }
                Some(Err(error)) => {
                    assert!(pieces.next().await.is_none(), "an error is the last");
                    return (text, Err(error));
                }
                None => panic!("an end that is not said"),
            }
        }
    }
}

fn prompt() -> Prompt {
    Prompt {
        account: "https://issuer.example.com#anna".to_owned(),
        messages: vec![Message::System("Be brief.".to_owned()), Message::User("How are you?".to_owned())],
        ..Prompt::default()
    }
}

fn part(text: &str) -> String {
    event(&json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]}))
}

fn last(reason: &str) -> String {
    event(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
}

fn counted(input: u64, output: u64) -> String {
    event(&json!({"choices": [], "usage": {"prompt_tokens": input, "completion_tokens": output}}))
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// A stream whose body ends with its connection.
fn stream(body: &str) -> Act {
    Act::Send(format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{body}"))
}

/// A whole answer that says this.
fn saying(text: &str) -> Vec<Act> {
    vec![stream(&(part(text) + &last("stop") + &counted(10, 5) + DONE)), Act::Close]
}

fn status(status: &str, headers: &str, body: &str) -> Vec<Act> {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}");
    vec![Act::Send(text), Act::Close]
}
