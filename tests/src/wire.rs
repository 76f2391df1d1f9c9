//! Connections on which a test says every byte and sees every byte: TLS, and HTTP/1.1 taken apart by hand. A finished
//! client would repair or hide what these tests are about, such as an answer that breaks off.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::roots;

/// Longer than anything here takes on a busy machine: who waits in vain shall fail, not hang.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A TLS connection to the gateway for one protocol, such as `http/1.1` or `h2`.
pub async fn tls(port: u16, ca: &Path, protocol: &str) -> Result<TlsStream<TcpStream>> {
    let mut config = ClientConfig::builder().with_root_certificates(roots(ca)?).with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let socket = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    socket.set_nodelay(true)?;
    let connector = TlsConnector::from(Arc::new(config));
    Ok(connector.connect(ServerName::try_from("localhost")?, socket).await?)
}

/// The status line or request line, and the header fields with names in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Without its line end.
    pub first_line: String,
    /// In the order of the wire.
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// The first value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The status of an answer.
    pub fn status(&self) -> Option<u16> {
        self.first_line.split(' ').nth(1)?.parse().ok()
    }
}

/// A body as it came, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// Without its transfer coding.
    pub bytes: Vec<u8>,
    /// Fields after a chunked body.
    pub trailers: Vec<(String, String)>,
    /// False when the connection ended before the body did.
    pub is_whole: bool,
}

/// Reads a head, up to the empty line; nothing when the other side has hung up instead.
pub async fn read_head(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<Head>> {
    let Some(first_line) = read_line(from).await? else { return Ok(None) };
    Ok(Some(Head { first_line, fields: read_fields(from).await?.context("the head breaks off")? }))
}

/// Reads the body that the head announces: `Content-Length`, chunked, or until the end when `reads_to_end`.
pub async fn read_body(from: &mut (impl AsyncRead + Unpin), head: &Head, reads_to_end: bool) -> Result<Body> {
    let is_chunked = head.field("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    if is_chunked {
        return read_chunks(from).await;
    }
    let mut body = Body { is_whole: true, ..Body::default() };
    match head.field("content-length") {
        Some(length) => {
            let length = length.parse().context("a content length that is no number")?;
            body.is_whole = read_some(from, length, &mut body.bytes).await?;
        }
        None if reads_to_end => while read_some(from, 1, &mut body.bytes).await? {},
        None => {}
    }
    Ok(body)
}

async fn read_chunks(from: &mut (impl AsyncRead + Unpin)) -> Result<Body> {
    let mut body = Body::default();
    loop {
        let Some(size) = read_line(from).await? else { return Ok(body) };
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default(), 16)
            .with_context(|| format!("`{size}` is no size of a chunk"))?;
        if size == 0 {
            if let Some(trailers) = read_fields(from).await? {
                (body.trailers, body.is_whole) = (trailers, true);
            }
            return Ok(body);
        }
        if !read_some(from, size, &mut body.bytes).await? || read_line(from).await?.is_none() {
            return Ok(body);
        }
    }
}

async fn read_fields(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<Vec<(String, String)>>> {
    let mut fields = Vec::new();
    loop {
        match read_line(from).await? {
            None => return Ok(None),
            Some(line) if line.is_empty() => return Ok(Some(fields)),
            Some(line) => {
                let (name, value) = line.split_once(':').with_context(|| format!("`{line}` is no field"))?;
                fields.push((name.to_lowercase(), value.trim().to_owned()));
            }
        }
    }
}

/// A line without its end; nothing when the other side hangs up before it ends.
async fn read_line(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<String>> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        if !read_some(from, 1, &mut line).await? {
            return Ok(None);
        }
        ensure!(line.len() < 64 * 1024, "a line without an end");
    }
    line.truncate(line.len().saturating_sub(2));
    Ok(Some(String::from_utf8(line).context("a line that is no text")?))
}

/// Reads exactly so many bytes; false when the other side hangs up before. To hang up rudely is to hang up.
async fn read_some(from: &mut (impl AsyncRead + Unpin), count: usize, into: &mut Vec<u8>) -> Result<bool> {
    let wanted = into.len().saturating_add(count);
    let mut part = from.take(u64::try_from(count)?);
    while into.len() < wanted {
        let read = timeout(PATIENCE, part.read_buf(into)).await.context("nothing came")?;
        if read.unwrap_or_default() == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An answer as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Interim answers that came before it, such as 100 and 103.
    pub interim: Vec<Head>,
    /// Its head.
    pub head: Head,
    /// Its body.
    pub body: Body,
}

/// Sends bytes on a connection of its own and reads the answer to a request of that method.
pub async fn exchange(port: u16, ca: &Path, method: &str, request: &[u8]) -> Result<Answer> {
    let mut connection = tls(port, ca, "http/1.1").await?;
    connection.write_all(request).await?;
    read_answer(&mut connection, method).await
}

/// Reads an answer to a request of that method.
pub async fn read_answer(from: &mut (impl AsyncRead + Unpin), method: &str) -> Result<Answer> {
    let mut interim = Vec::new();
    loop {
        let head = read_head(from).await?.context("hung up without an answer")?;
        let status = head.status().with_context(|| format!("no status in `{}`", head.first_line))?;
        if (100..200).contains(&status) && status != 101 {
            interim.push(head);
            continue;
        }
        let has_body = method != "HEAD" && status != 101 && status != 204 && status != 304;
        let body = match has_body {
            true => read_body(from, &head, true).await?,
            false => Body { is_whole: true, ..Body::default() },
        };
        return Ok(Answer { interim, head, body });
    }
}
