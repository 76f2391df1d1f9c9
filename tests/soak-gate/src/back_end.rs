//! The back end: says whom the gate told it of, in one line. It shares the machine with Traefik, so it does nothing else.

use std::net::Ipv4Addr;
use std::thread;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it says when nobody was named.
pub(crate) const NOBODY: &str = "nobody";

const SUBJECT: &[u8] = b"\r\nX-Auth-Subject: ";

/// Starts it in a thread of its own, which ends with the program; gives its URL.
pub(crate) fn start() -> Result<String> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}", listener.local_addr()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    thread::Builder::new().name("back end".into()).spawn(move || runtime.block_on(serve(listener)))?;
    Ok(url)
}

async fn serve(listener: std::net::TcpListener) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        // Traefik closes connections as it likes: that is no error of ours.
        tokio::spawn(async move { drop(answer_all(stream).await) });
    }
}

/// Requests have no bodies, so each ends with its empty line.
async fn answer_all(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::with_capacity(8 * 1024);
    while stream.read_buf(&mut received).await? > 0 {
        if !received.ends_with(b"\r\n\r\n") {
            continue;
        }
        let subject = subject(&received).unwrap_or(NOBODY.as_bytes());
        let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", subject.len()).into_bytes();
        answer.extend_from_slice(subject);
        received.clear();
        stream.write_all(&answer).await?;
    }
    Ok(())
}

fn subject(request: &[u8]) -> Option<&[u8]> {
    let start = request.windows(SUBJECT.len()).position(|window| window == SUBJECT)? + SUBJECT.len();
    let length = request[start..].iter().position(|byte| *byte == b'\r')?;
    Some(&request[start..start + length])
}
