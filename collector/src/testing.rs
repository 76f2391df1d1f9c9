//! A gateway for tests, which answers as it is told, and somebody to whom things are said.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::gateway::GatewaySettings;
use crate::tally::{Progress, Voice};

/// `{"iss":"https://idp.example.com","sub":"console 7"}` as a token's claims.
pub(crate) const TOKEN: &str = "e30.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLmNvbSIsInN1YiI6ImNvbnNvbGUgNyJ9.c2ln";

/// What becomes of a request.
pub(crate) enum Reply {
    /// This answer.
    Answer(String),
    /// The connection is closed without one.
    HangUp,
}

/// An answer on the wire.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// 202, with a receipt for each event of a request.
pub(crate) fn accepted(request: &str) -> Reply {
    let receipts: Vec<Value> = events(request).iter().map(|event| json!({"id": event["id"]})).collect();
    Reply::Answer(answer("202 Accepted", "", &Value::from(receipts).to_string()))
}

/// Hands each request to `decide`, one after the other; says where.
pub(crate) async fn serve(mut decide: impl FnMut(&str) -> Reply + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            if let Some(request) = request(&mut connection).await
                && let Reply::Answer(answer) = decide(&request)
            {
                let _ = connection.write_all(answer.as_bytes()).await;
            }
        }
    });
    address
}

/// The events of a request.
pub(crate) fn events(request: &str) -> Vec<Value> {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

async fn request(connection: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    while !is_whole(&request) {
        if connection.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
    String::from_utf8(request).ok()
}

fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|end| end == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length: ")).map(|length| length.parse().unwrap());
    request.len() >= head + 4 + length.unwrap_or(0)
}

/// Settings for such a gateway, with a token in this folder.
pub(crate) fn settings(address: &str, folder: &std::path::Path) -> GatewaySettings {
    let token_file = folder.join("token");
    std::fs::write(&token_file, format!("{TOKEN}\n")).unwrap();
    GatewaySettings { address: address.parse().unwrap(), token_file, ca: None, dpop_key: None, source: None }
}

/// Hands what is said to the test.
struct Said(UnboundedSender<String>);

/// A voice, and what it says.
pub(crate) fn voice() -> (Arc<dyn Voice>, UnboundedReceiver<String>) {
    let (says, said) = unbounded_channel();
    (Arc::new(Said(says)), said)
}

impl Voice for Said {
    fn say(&self, what: &str) {
        let _ = self.0.send(what.to_owned());
    }

    fn show(&self, _: &Progress) {}
}

/// Replies in their order, then `accepted` for ever.
pub(crate) fn script(replies: Vec<Reply>) -> impl FnMut(&str) -> Reply {
    let mut replies = VecDeque::from(replies);
    move |request| replies.pop_front().unwrap_or_else(|| accepted(request))
}

/// A list that a gateway and a test share.
pub(crate) type Shared<T> = Arc<Mutex<Vec<T>>>;
