//! A back end that answers by script, byte by byte, and remembers what it received, byte by byte.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::back_end::for_each_connection;
use crate::wire::{Body, Head, read_body, read_head};

const VERSION: &str = "HTTP/1.1 ";

/// What an answer is made of, by the last segment of the path.
const SCRIPTS: [(&str, &str); 20] = [
    ("plain", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Case: Kept\r\nContent-Length: 5\r\n\r\nhello"),
    ("length-only", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12345\r\n\r\n"),
    ("empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("no-content", "HTTP/1.1 204 No Content\r\nX-Left: nothing\r\n\r\n"),
    ("not-modified", "HTTP/1.1 304 Not Modified\r\nETag: \"five\"\r\nCache-Control: max-age=5\r\n\r\n"),
    (
        "partial",
        "HTTP/1.1 206 Partial Content\r\nContent-Type: text/plain\r\nContent-Range: bytes 2-4/10\r\nContent-Length: 3\r\n\r\ncde",
    ),
    ("unsatisfiable", "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */10\r\nContent-Length: 0\r\n\r\n"),
    (
        "chunked",
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    ),
    (
        "trailers",
        "HTTP/1.1 200 OK\r\nTrailer: X-Checksum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Checksum: 5d41\r\n\r\n",
    ),
    (
        "unannounced-trailers",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Checksum: 5d41\r\n\r\n",
    ),
    ("until-the-end", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello"),
    ("cookies", "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n"),
    (
        "hints",
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ),
    ("error", "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\noops"),
    ("moved", "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"),
    (
        "zipped",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nVary: Accept-Encoding\r\nContent-Length: 4\r\n\r\n\u{1f}\u{2}\u{8}\u{0}",
    ),
    ("unwilling", "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"),
    ("cut-length", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nhalf"),
    ("cut-chunks", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
    ("cut-at-once", ""),
];

/// A request as the back end received it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its head.
    pub head: Head,
    /// Its body.
    pub body: Body,
}

/// The back end.
#[derive(Debug)]
pub struct ScriptedBackEnd {
    address: SocketAddr,
    received: Arc<Mutex<HashMap<String, Received>>>,
}

impl ScriptedBackEnd {
    /// Starts it.
    pub fn start() -> Result<ScriptedBackEnd> {
        let received = Arc::new(Mutex::new(HashMap::new()));
        let book = Arc::clone(&received);
        let address = for_each_connection(move |connection| serve(connection, Arc::clone(&book)))?;
        Ok(ScriptedBackEnd { address, received })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The last request for this path and query.
    pub fn received(&self, target: &str) -> Option<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).get(target).cloned()
    }
}

async fn serve(mut connection: TcpStream, book: Arc<Mutex<HashMap<String, Received>>>) -> Result<()> {
    let Some(head) = read_head(&mut connection).await? else { return Ok(()) };
    let target = head.first_line.split(' ').nth(1).unwrap_or_default().to_owned();
    let resource = target.split('?').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let script = SCRIPTS.iter().find(|(name, _)| *name == resource).map_or("", |(_, script)| *script);
    let body = if resource == "unwilling" {
        // Answers without having asked for the body.
        Body::default()
    } else {
        if head.field("expect").is_some() {
            connection.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        read_body(&mut connection, &head, false).await?
    };
    book.lock().unwrap_or_else(PoisonError::into_inner).insert(target, Received { head, body });
    // Said, because a connection that is closed without a word may have taken the next request already.
    let script = match script.rsplit_once(VERSION) {
        Some((interim, last)) => format!("{interim}{VERSION}{}", last.replacen("\r\n", "\r\nConnection: close\r\n", 1)),
        None => script.to_owned(),
    };
    connection.write_all(script.as_bytes()).await?;
    Ok(connection.shutdown().await?)
}
