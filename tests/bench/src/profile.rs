//! A CPU profile of Traefik under load, as Go's own tools read it. `scripts/read-profile.py` prints it, too.

use std::future::Future;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Starts a profile over so many seconds; what is answered ends when the file has been written.
pub(crate) fn take(port: u16, seconds: f64, file: &Path) -> impl Future<Output = Result<()>> + use<> {
    let (seconds, file) = (seconds.ceil() as u64, file.to_path_buf());
    let fetched = tokio::task::spawn_blocking(move || fetch(port, seconds, file));
    async { fetched.await? }
}

fn fetch(port: u16, seconds: u64, file: PathBuf) -> Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("Traefik serves no profiles")?;
    // HTTP/1.0, so that the body is what comes until the end.
    write!(stream, "GET /debug/pprof/profile?seconds={seconds} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let body = answer.windows(4).position(|window| window == b"\r\n\r\n").map(|place| place + 4);
    let body = body.and_then(|place| answer.get(place..)).context("the profile's answer has no body")?;
    ensure!(answer.starts_with(b"HTTP/1.0 200"), "no profile: {}", String::from_utf8_lossy(&answer));
    std::fs::write(&file, body).with_context(|| format!("{} cannot be written", file.display()))?;
    println!("profile of {seconds} s: {}", file.display());
    Ok(())
}
