//! A connection that is kept, and answers read from it.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer, as far as it is looked at.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a [u8],
    pub(crate) body: &'a [u8],
}

/// The connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(port: u16) -> Result<Connection> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.context("Traefik does not listen")?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::with_capacity(4 * 1024) })
    }

    /// One request and its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await.context("a request could not be sent")?;
        self.buffer.clear();
        let (head, whole) = loop {
            if self.stream.read_buf(&mut self.buffer).await.context("an answer broke off")? == 0 {
                bail!("Traefik closed a connection instead of answering");
            }
            if let Some((head, whole)) = extent(&self.buffer)?
                && self.buffer.len() >= whole
            {
                break (head, whole);
            }
        };
        let status = std::str::from_utf8(&self.buffer[9..12]).ok().and_then(|status| status.parse().ok());
        let status = status.context("an answer without a status")?;
        Ok(Answer { status, head: &self.buffer[..head], body: &self.buffer[head..whole] })
    }
}

/// The length of the head and of the whole answer, once both are known.
fn extent(received: &[u8]) -> Result<Option<(usize, usize)>> {
    const LENGTH: &str = "content-length: ";
    const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n").map(|end| end + 4) else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&received[..end]).to_lowercase();
    if head.contains("\r\ntransfer-encoding: chunked\r\n") {
        // One answer at a time: nothing follows it.
        return Ok(received.ends_with(LAST_CHUNK).then_some((end, received.len())));
    }
    let length =
        head.lines().find_map(|line| line.strip_prefix(LENGTH)).and_then(|length| length.parse::<usize>().ok());
    let length = length.with_context(|| format!("an answer without a length: {head}"))?;
    Ok(Some((end, end + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_as_long_as_it_says() {
        assert_eq!(extent(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n").unwrap(), None);
        assert_eq!(extent(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n").unwrap(), Some((38, 41)));
        assert!(extent(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        let chunked = b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n0\r\n0\r\n\r\n";
        assert_eq!(extent(chunked).unwrap(), Some((57, chunked.len())));
        assert_eq!(extent(&chunked[..60]).unwrap(), None);
    }
}
