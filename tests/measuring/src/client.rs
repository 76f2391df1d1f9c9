//! One connection over which requests go, each with the gate's word, and their answers are read as far as a bench must.

use std::net::Ipv4Addr;
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::gate_word::GateWord;

/// A connection to a service on the loopback address.
pub struct Client<'a> {
    stream: TcpStream,
    word: &'a GateWord,
    host: String,
    received: Vec<u8>,
}

/// What a service answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, where there is one.
    pub json: Value,
}

impl<'a> Client<'a> {
    /// To the service on this port, in the name of `word`'s caller.
    pub async fn connect(word: &'a GateWord, port: u16) -> Result<Client<'a>> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.context("the service does not listen")?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, word, host: format!("127.0.0.1:{port}"), received: Vec::new() })
    }

    /// Sends JSON, and gives status and body as they came.
    pub async fn post(&mut self, target: &str, body: &str) -> Result<(u16, &[u8])> {
        let host = &self.host;
        let token = self.word.token("POST", host, target)?;
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: {host}\r\nTxn-Token: {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.context("a request could not be sent")?;
        self.received.clear();
        loop {
            let count = self.stream.read_buf(&mut self.received).await.context("an answer broke off")?;
            ensure!(count > 0, "the service closed a connection instead of answering");
            if let Some((status, range)) = whole(&self.received)? {
                return Ok((status, &self.received[range]));
            }
        }
    }

    /// The same, with the body read.
    pub async fn call(&mut self, target: &str, body: &Value) -> Result<Answer> {
        let (status, body) = self.post(target, &body.to_string()).await?;
        let json = if body.is_empty() { Value::Null } else { serde_json::from_slice(body)? };
        Ok(Answer { status, json })
    }

    /// The same, where anything but this status ends the bench: a refused request is cheap, and would look like speed.
    pub async fn expect(&mut self, status: u16, target: &str, body: &Value) -> Result<Value> {
        let answer = self.call(target, body).await?;
        if answer.status != status {
            bail!("{target} was answered {}: {}", answer.status, answer.json);
        }
        Ok(answer.json)
    }
}

/// The status, and where the body stands, when all of it has come.
fn whole(received: &[u8]) -> Result<Option<(u16, Range<usize>)>> {
    let Some(end) = memchr::memmem::find(received, b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&received[..end]).context("an answer's head is not text")?;
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).context("no answer of HTTP/1.1")?;
    let status = status.parse()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = match length {
        Some(length) => length.parse()?,
        None => {
            ensure!(status == 204, "an answer without a length: {head}");
            0
        }
    };
    let body = end + 4..end + 4 + length;
    Ok((received.len() >= body.end).then_some((status, body)))
}
