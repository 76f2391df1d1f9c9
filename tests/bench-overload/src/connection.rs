//! One connection that sends requests and reads no more of an answer than its status, and where it ends.

use std::io::Write as _;
use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use measuring::gate_word::{GateWord, Head, describe};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PLACE_OF_ID: &str = "0000000000000000";

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The ten newest events: work for the processor alone.
    Read,
    /// One event to be stored, which waits for the disk.
    Write,
}

impl Kind {
    /// The status of an answer that is what was asked for.
    pub(crate) fn good(self) -> u16 {
        match self {
            Self::Read => 200,
            Self::Write => 202,
        }
    }
}

/// A connection that is opened when it is needed, and again when the service has closed it.
pub(crate) struct Connection<'a> {
    port: u16,
    head: Head<'a>,
    body: Option<Vec<u8>>,
    /// Where the event's id stands in the body.
    id: usize,
    stream: Option<TcpStream>,
    request: Vec<u8>,
    received: Vec<u8>,
    /// How often it was opened.
    pub(crate) opened: u64,
}

impl<'a> Connection<'a> {
    /// To the service on this port, for one sender.
    pub(crate) fn new(port: u16, word: &'a GateWord, subject: &str, kind: Kind) -> Result<Connection<'a>> {
        let body = format!(
            r#"{{"specversion":"1.0","id":"{PLACE_OF_ID}","source":"https://issuer.watchgate.test#{subject}","type":"com.example.telemetry.reading","subject":"device-1","datacontenttype":"application/json","data":{{"temperature_celsius":61.5,"fan_rpm":4200,"state":"running"}}}}"#
        );
        let id = body.find(PLACE_OF_ID).context("the body has an id")?;
        let (head, body) = match kind {
            Kind::Read => (Head::new(word, port, "GET", "/v1/events?limit=10".to_owned(), String::new()), None),
            Kind::Write => {
                let more = describe("application/cloudevents+json", body.len());
                (Head::new(word, port, "POST", "/v1/events".to_owned(), more), Some(body.into_bytes()))
            }
        };
        let (request, received) = (Vec::new(), Vec::new());
        Ok(Connection { port, head, body, id, stream: None, request, received, opened: 0 })
    }

    /// Sends a request, whose event has this number; gives the status. An error says that the service hung up or did not listen.
    pub(crate) async fn send(&mut self, number: u64) -> Result<u16> {
        let answer = self.exchange(number).await;
        if !matches!(answer, Ok((_, true))) {
            self.stream = None;
        }
        answer.map(|(status, _)| status)
    }

    /// Gives the status, and whether the connection stays.
    async fn exchange(&mut self, number: u64) -> Result<(u16, bool)> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                self.opened += 1;
                let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
                stream.set_nodelay(true)?;
                none.insert(stream)
            }
        };
        self.request.clear();
        self.request.extend_from_slice(self.head.text()?.as_bytes());
        if let Some(body) = &mut self.body {
            let mut place = &mut body[self.id..self.id + PLACE_OF_ID.len()];
            write!(place, "{number:016x}")?;
            self.request.extend_from_slice(body);
        }
        stream.write_all(&self.request).await?;
        self.received.clear();
        loop {
            let count = stream.read_buf(&mut self.received).await?;
            ensure!(count > 0, "the service hung up");
            if let Some(answer) = whole(&self.received)? {
                return Ok(answer);
            }
        }
    }
}

/// The status, and whether the connection stays, when all of an answer has come.
fn whole(received: &[u8]) -> Result<Option<(u16, bool)>> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&received[..end]).context("an answer's head is not text")?;
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).context("no answer of HTTP/1.1")?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.context("an answer without a length")?.parse()?;
    let stays = !head.contains("\r\nconnection: close");
    Ok((received.len() >= end + 4 + length).then_some((status.parse()?, stays)))
}
