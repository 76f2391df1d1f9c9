//! A server that answers at once and keeps its connections, in a thread of its own, so that it waits for nobody's turn.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a server saw of one request.
pub(crate) struct Seen {
    /// When all of it was there.
    pub(crate) received: Instant,
    /// When the first byte of its answer left.
    pub(crate) answered: Instant,
}

pub(crate) struct Server {
    address: SocketAddr,
    seen: Receiver<Seen>,
}

impl Server {
    pub(crate) fn start() -> Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (seeing, seen) = channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::spawn(move || runtime.block_on(serve(listener, seeing)));
        Ok(Self { address, seen })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What it saw of the last requests, in their order.
    pub(crate) fn seen(&self, count: usize) -> Result<Vec<Seen>> {
        let next = || self.seen.recv_timeout(Duration::from_secs(10)).context("a request that nobody saw");
        (0..count).map(|_| next()).collect()
    }
}

async fn serve(listener: std::net::TcpListener, seeing: Sender<Seen>) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        tokio::spawn(converse(connection, seeing.clone()));
    }
}

async fn converse(mut connection: TcpStream, seeing: Sender<Seen>) -> Result<()> {
    let answer = answer();
    let mut bytes = Vec::new();
    loop {
        let mut some = [0; 64 * 1024];
        let read = connection.read(&mut some).await?;
        if read == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&some[..read]);
        if is_whole(&bytes) {
            let received = Instant::now();
            bytes.clear();
            let answered = Instant::now();
            connection.write_all(answer.as_bytes()).await?;
            if seeing.send(Seen { received, answered }).is_err() {
                return Ok(());
            }
        }
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    bytes.len() >= end + 4 + length.unwrap_or_default()
}

fn answer() -> String {
    let said = json!({"choices": [{"index": 0, "delta": {"content": "Well."}, "finish_reason": null}]});
    let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let counted = json!({"choices": [], "usage": {"prompt_tokens": 4000, "completion_tokens": 2}});
    let mut text =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    for event in [format!("data: {said}\n\n"), format!("data: {last}\n\ndata: {counted}\n\ndata: [DONE]\n\n")] {
        text += &format!("{:x}\r\n{event}\r\n", event.len());
    }
    text + "0\r\n\r\n"
}
