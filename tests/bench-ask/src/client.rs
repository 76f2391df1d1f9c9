//! One connection over which questions go, and the answers to them, read as far as a bench must. Anything but an answer ends the
//! bench: a refused request is cheap, and would look like speed.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use anyhow::{Context, Result, bail, ensure};
use measuring::gate_word::{GateWord, Head};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) struct Client<'a> {
    stream: TcpStream,
    head: Head<'a>,
    request: String,
    received: Vec<u8>,
}

impl<'a> Client<'a> {
    pub(crate) async fn connect(word: &'a GateWord, port: u16) -> Result<Client<'a>> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.context("the service does not listen")?;
        stream.set_nodelay(true)?;
        let more = "Content-Type: application/json\r\n".to_owned();
        let head = Head::new(word, port, "POST", "/v1/ask".to_owned(), more);
        Ok(Client { stream, head, request: String::new(), received: Vec::new() })
    }

    /// Asks, and gives the answer's JSON.
    pub(crate) async fn ask(&mut self, question: &str) -> Result<&[u8]> {
        let body = json!({ "question": question }).to_string();
        self.request.clear();
        write!(self.request, "{}\r\nContent-Length: {}\r\n\r\n{body}", self.head.lines()?, body.len())?;
        self.stream.write_all(self.request.as_bytes()).await.context("a question could not be sent")?;
        self.received.clear();
        loop {
            let count = self.stream.read_buf(&mut self.received).await.context("an answer broke off")?;
            ensure!(count > 0, "the service closed a connection instead of answering");
            if let Some(range) = whole(&self.received)? {
                return Ok(&self.received[range]);
            }
        }
    }

    /// Asks, and gives the answer.
    pub(crate) async fn answer(&mut self, question: &str) -> Result<Value> {
        Ok(serde_json::from_slice(self.ask(question).await?)?)
    }
}

/// Where the body stands, when all of it has come.
fn whole(received: &[u8]) -> Result<Option<std::ops::Range<usize>>> {
    let Some(end) = memchr::memmem::find(received, b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&received[..end]).context("an answer's head is not text")?;
    if !head.starts_with("HTTP/1.1 200 ") {
        bail!("no answer: {}", String::from_utf8_lossy(received));
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.context("an answer without a length")?.parse()?;
    let body = end + 4..end + 4 + length;
    Ok((received.len() >= body.end).then_some(body))
}
