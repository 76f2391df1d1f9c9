//! A client that sends exactly the bytes it is told, because every well-behaved client repairs what an attacker sends.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::client::roots;

/// An answer, as far as tests look at it.
#[derive(Debug)]
pub struct RawAnswer {
    /// The status.
    pub status: u16,
    /// The header, in lower case and as sent.
    pub headers: Vec<(String, String)>,
    /// The body, with whatever transfer coding it came in.
    pub body: String,
}

impl RawAnswer {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// A request line and headers; `Host`, `Connection: close` and the empty line are added.
#[derive(Clone, Debug)]
pub struct RawRequest {
    /// Such as `GET`.
    pub method: String,
    /// The request target, as it stands in the request line.
    pub target: String,
    /// Header lines in their order, each `Name: value`.
    pub headers: Vec<String>,
    /// Another host than the gateway's own.
    pub host: Option<String>,
    /// The body.
    pub body: String,
}

impl RawRequest {
    /// A request without headers.
    pub fn new(method: &str, target: &str) -> RawRequest {
        RawRequest {
            method: method.into(),
            target: target.into(),
            headers: Vec::new(),
            host: None,
            body: String::new(),
        }
    }

    /// One more header line.
    #[must_use]
    pub fn header(mut self, line: impl Into<String>) -> RawRequest {
        self.headers.push(line.into());
        self
    }

    /// Another host.
    #[must_use]
    pub fn host(mut self, host: &str) -> RawRequest {
        self.host = Some(host.into());
        self
    }

    /// Sends it to the gateway over HTTP/1.1 and TLS; waits, so call it where waiting is no harm.
    pub fn send(&self, port: u16, ca: &Path) -> Result<RawAnswer> {
        let host = self.host.clone().unwrap_or_else(|| format!("localhost:{port}"));
        let mut text = format!("{} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", self.method, self.target);
        for line in &self.headers {
            text.push_str(line);
            text.push_str("\r\n");
        }
        if !self.body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        text.push_str("\r\n");
        text.push_str(&self.body);
        exchange(port, ca, text.as_bytes())
    }
}

fn exchange(port: u16, ca: &Path, request: &[u8]) -> Result<RawAnswer> {
    let config = ClientConfig::builder().with_root_certificates(roots(ca)?).with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost")?)?;
    let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("the gateway does not listen")?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut stream = StreamOwned::new(connection, socket);
    stream.write_all(request)?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        // Servers that refuse a request often hang up without TLS's farewell.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof && !answer.is_empty() => {}
        Err(error) => return Err(error).context("no answer"),
    }
    parse(&String::from_utf8_lossy(&answer))
}

fn parse(answer: &str) -> Result<RawAnswer> {
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no head")?;
    let mut lines = head.lines();
    let status_line = lines.next().unwrap_or_default();
    let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
    ensure!(status.is_some(), "no status in `{status_line}`");
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()))
        .collect();
    Ok(RawAnswer { status: status.unwrap_or_default(), headers, body: body.to_owned() })
}
