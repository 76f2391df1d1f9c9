//! A client that sends exactly the bytes it is told, because every well-behaved client repairs what an attacker sends.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attack_table::Request;
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

/// Sends a request to the gateway over HTTP/1.1 and TLS; `authority` is the host unless the request names another. Waits, so
/// call it where waiting is no harm.
pub fn send(request: &Request, authority: &str, port: u16, ca: &Path) -> Result<RawAnswer> {
    exchange(port, ca, &request.to_bytes(authority))
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
