//! The obedient model behind the port: by itself, or as a server that speaks OpenAI's protocol.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use futures_util::stream::{self, BoxStream, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::obeying::{Reply, obey};
use crate::assistant::settings::Settings;
use crate::metrics::Metrics;
use crate::model::{End, EndReason, Message, Model, ModelError, OpenAiModels, Piece, Prompt, ToolCall, Usage};
use crate::testing::Stage;

/// What it takes for an instruction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Manner {
    /// Everything, data as well.
    ObeysAll,
    /// What does not stand between the marks that the first message speaks of.
    ObeysWhatIsNoData,
}

/// What it has seen and done.
#[derive(Debug, Default)]
struct Seen {
    requests: Vec<String>,
    obeyed: usize,
    last_obeyed: Vec<String>,
}

struct Mind {
    manner: Manner,
    seen: Mutex<Seen>,
}

pub(super) struct Obedient {
    mind: Arc<Mind>,
    port: Arc<dyn Model>,
}

impl Obedient {
    pub(super) fn in_memory(manner: Manner) -> Self {
        let mind = Arc::new(Mind { manner, seen: Mutex::default() });
        Self { port: Arc::new(InMemory(Arc::clone(&mind))), mind }
    }

    /// The same as a server, asked by the form of the port that asks real ones.
    pub(super) async fn over_http(manner: Manner, stage: &Stage) -> Self {
        let mind = Arc::new(Mind { manner, seen: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let app = Router::new().route("/v1/chat/completions", post(complete)).with_state(Arc::clone(&mind));
        let app = app.layer(DefaultBodyLimit::disable());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let file =
            format!("models: [{{name: obedient, baseUrl: '{url}', model: obedient, allowedNetworks: [127.0.0.1/32]}}]");
        let models = Settings::read(&file).unwrap().models;
        let backbone = Arc::clone(&stage.state.backbone);
        let port = OpenAiModels::open(models, backbone, stage.clock.clone(), &Metrics::default()).unwrap();
        Self { mind, port: Arc::new(port) }
    }

    pub(super) fn port(&self) -> Arc<dyn Model> {
        Arc::clone(&self.port)
    }

    /// What it was sent since the last time.
    pub(super) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.mind.seen.lock().unwrap().requests)
    }

    pub(super) fn obeyed(&self) -> usize {
        self.mind.seen.lock().unwrap().obeyed
    }

    pub(super) fn last_obeyed(&self) -> Vec<String> {
        self.mind.seen.lock().unwrap().last_obeyed.clone()
    }
}

impl Mind {
    fn reply(&self, request: &str) -> Reply {
        let read: Value = serde_json::from_str(request).unwrap();
        let rules = read["messages"][0]["content"].as_str().unwrap_or_default();
        let word = rules.split("[begin ").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or_default().to_owned();
        let reply = match self.manner {
            Manner::ObeysAll => obey(&read, str::to_owned),
            Manner::ObeysWhatIsNoData => obey(&read, |text| without_data(text, &word)),
        };
        let mut seen = self.seen.lock().unwrap();
        seen.requests.push(request.to_owned());
        seen.obeyed += reply.obeyed.len();
        if !reply.obeyed.is_empty() {
            seen.last_obeyed = reply.obeyed.iter().cloned().collect();
        }
        reply
    }
}

/// What stands outside of the marks, as a reader finds them who goes from the top to the bottom.
fn without_data(text: &str, word: &str) -> String {
    let (begin, end) = (format!("[begin {word}]"), format!("[end {word}]"));
    let (mut outside, mut rest) = (String::new(), text);
    while let Some((before, inside)) = rest.split_once(&begin) {
        outside.push_str(before);
        rest = inside.split_once(&end).map_or("", |(_, after)| after);
    }
    outside + rest
}

/// In small pieces, so that nothing comes whole.
fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(7).map(|part| part.iter().collect()).collect()
}

async fn complete(State(mind): State<Arc<Mind>>, body: Bytes) -> impl IntoResponse {
    let reply = mind.reply(std::str::from_utf8(&body).unwrap());
    let chunk = |delta: Value, end: Value| {
        let chunk = json!({"id": "x", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": end}]});
        format!("data: {chunk}\n\n")
    };
    let mut stream: String =
        pieces(&reply.text).iter().map(|piece| chunk(json!({"content": piece}), Value::Null)).collect();
    for (index, (name, arguments)) in reply.calls.iter().enumerate() {
        let call = json!({"index": index, "id": format!("call-{index}"), "type": "function", "function": {"name": name, "arguments": arguments}});
        stream.push_str(&chunk(json!({"tool_calls": [call]}), Value::Null));
    }
    let reason = if reply.calls.is_empty() { "stop" } else { "tool_calls" };
    stream.push_str(&chunk(json!({}), json!(reason)));
    stream.push_str("data: [DONE]\n\n");
    ([(CONTENT_TYPE, "text/event-stream")], stream)
}

/// The model without a socket.
struct InMemory(Arc<Mind>);

impl Model for InMemory {
    fn complete(&self, prompt: Prompt) -> BoxStream<'static, Result<Piece, ModelError>> {
        let Reply { text, calls, .. } = self.0.reply(&request(&prompt).to_string());
        let calls = (0_usize..).zip(calls).map(|(number, call)| (format!("call-{number}"), call)).collect();
        stream::iter(said(&pieces(&text), calls).into_iter().map(Ok)).boxed()
    }

    fn names(&self) -> Vec<String> {
        vec!["obedient".to_owned()]
    }
}

fn said(text: &[String], calls: Vec<(String, (String, String))>) -> Vec<Piece> {
    let reason = if calls.is_empty() { EndReason::Stop } else { EndReason::ToolCalls };
    let mut pieces: Vec<Piece> = text.iter().cloned().map(Piece::Text).collect();
    pieces.extend(calls.into_iter().map(|(id, (name, arguments))| Piece::Call(ToolCall { id, name, arguments })));
    pieces.push(Piece::End(End { reason, usage: Usage::default(), model: "obedient".to_owned() }));
    pieces
}

/// A prompt as OpenAI's protocol has it.
fn request(prompt: &Prompt) -> Value {
    let messages: Vec<Value> = prompt
        .messages
        .iter()
        .map(|message| match message {
            Message::System(text) => json!({"role": "system", "content": text}),
            Message::User(text) => json!({"role": "user", "content": text}),
            Message::Assistant { text, calls } if calls.is_empty() => json!({"role": "assistant", "content": text}),
            Message::Assistant { text, calls } => {
                json!({"role": "assistant", "content": text, "tool_calls": calls.iter().map(|call| {
            json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
        }).collect::<Vec<_>>()})
            }
            Message::ToolResult { call, content } => json!({"role": "tool", "tool_call_id": call, "content": content}),
        })
        .collect();
    let tools: Vec<Value> = prompt.tools.iter().map(|tool| {
        json!({"type": "function", "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters}})
    }).collect();
    json!({"model": "obedient", "stream": true, "messages": messages, "tools": tools})
}
