//! A model of OpenAI's protocol that calls the one tool that its client brings, and then says what that gave, with a link to a stranger.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The requests that came, each with its `Authorization`.
type Received = Arc<Mutex<Vec<(Option<String>, Value)>>>;

/// The model, as long as its runtime.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    url: String,
    received: Received,
}

impl Upstream {
    /// Starts it on a free port, within a thread of its own, since tests come and go with their runtimes.
    pub(super) fn start() -> Result<Upstream> {
        let received = Received::default();
        let app = Router::new().route("/v1/chat/completions", post(complete)).with_state(Arc::clone(&received));
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}/v1", listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || {
            runtime.block_on(async { axum::serve(TcpListener::from_std(listener)?, app).await })
        });
        Ok(Upstream { url, received })
    }

    /// The base address.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// All that it was sent.
    pub(super) fn received(&self) -> Vec<(Option<String>, Value)> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn complete(State(received): State<Received>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let last = body["messages"].as_array().and_then(|messages| messages.last()).cloned().unwrap_or_default();
    let told = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    received.lock().unwrap_or_else(PoisonError::into_inner).push((told, body));
    let call = |function: Value| json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]});
    let (deltas, reason) = if last["role"] == "tool" {
        (
            vec![
                json!({"content": "It is 18 degrees. "}),
                json!({"content": "See [this](https://evil.example/?q=1)."}),
            ],
            "stop",
        )
    } else {
        let parts = [
            json!({"name": "get_weather", "arguments": ""}),
            json!({"arguments": "{\"city\":"}),
            json!({"arguments": "\"Paris\"}"}),
        ];
        (parts.map(call).to_vec(), "tool_calls")
    };
    let chunk = |delta: Value, reason: Value, usage: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        format!(
            "data: {}\n\n",
            json!({"id": "x", "object": "chat.completion.chunk", "choices": [choice], "usage": usage})
        )
    };
    let mut text: String = deltas.into_iter().map(|delta| chunk(delta, Value::Null, Value::Null)).collect();
    text.push_str(&chunk(json!({}), json!(reason), json!({"prompt_tokens": 30, "completion_tokens": 12})));
    text.push_str("data: [DONE]\n\n");
    ([(CONTENT_TYPE, "text/event-stream")], text).into_response()
}
