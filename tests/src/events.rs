//! A back end of server-sent events that says each one when the test tells it to, and a client that reads them one by
//! one: what arrived before the next was said was not held back.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::back_end::for_each_connection;
use crate::wire::{PATIENCE, read_head};

/// One open stream, as the back end's side sees it.
#[derive(Debug)]
pub struct OpenStream {
    /// What the request asked for.
    pub request_line: String,
    says: UnboundedSender<String>,
}

impl OpenStream {
    /// Sends one event; false when the client is gone.
    pub fn say(&self, text: &str) -> bool {
        self.says.send(format!("data: {text}\n\n")).is_ok()
    }

    /// Waits until the client has gone.
    pub async fn closed(&self) {
        self.says.closed().await;
    }
}

/// The back end: every request is a stream that it hands to the test.
#[derive(Debug)]
pub struct EventBackEnd {
    address: SocketAddr,
    streams: tokio::sync::Mutex<UnboundedReceiver<OpenStream>>,
}

impl EventBackEnd {
    /// Starts it.
    pub fn start() -> Result<EventBackEnd> {
        let (opened, streams) = unbounded_channel();
        let address = for_each_connection(move |connection| serve(connection, opened.clone()))?;
        Ok(EventBackEnd { address, streams: tokio::sync::Mutex::new(streams) })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next stream that was opened.
    pub async fn next(&self) -> Result<OpenStream> {
        let mut streams = self.streams.lock().await;
        timeout(PATIENCE, streams.recv()).await.context("no stream was opened")?.context("the back end has ended")
    }
}

async fn serve(mut connection: TcpStream, opened: UnboundedSender<OpenStream>) -> Result<()> {
    let Some(head) = read_head(&mut connection).await? else { return Ok(()) };
    let (says, mut said) = unbounded_channel::<String>();
    opened.send(OpenStream { request_line: head.first_line, says })?;
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    connection.write_all(answer.as_bytes()).await?;
    let (mut from_client, mut to_client) = connection.split();
    loop {
        let mut byte = [0_u8];
        tokio::select! {
            event = said.recv() => match event {
                Some(event) => to_client.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await?,
                None => return Ok(to_client.write_all(b"0\r\n\r\n").await?),
            },
            // Nothing more comes from a client but its farewell.
            _ = tokio::io::AsyncReadExt::read(&mut from_client, &mut byte) => return Ok(()),
        }
    }
}
