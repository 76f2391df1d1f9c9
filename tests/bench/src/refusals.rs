//! Proof that the gate that is measured is shut: an open one would be fast.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::requests::request;
use crate::route::Route;

/// Sends requests that must be refused, and reports an error when one of them is not.
pub(crate) fn check(route: Route, port: u16, good_token: &str) -> Result<()> {
    if !route.checks_tokens() {
        return Ok(());
    }
    for (what, token) in [("no token", None), ("a token with a broken signature", Some(broken(good_token)))] {
        let status = status_of(port, &request(token.as_deref()))?;
        // 429: a gate that has seen many bad tokens from here refuses before it looks.
        ensure!(matches!(&*status, "401" | "429"), "{} answered {status} to a request with {what}", route.name());
    }
    Ok(())
}

/// The same token, with another signature of the same length.
fn broken(token: &str) -> String {
    let mut bytes = token.to_owned().into_bytes();
    let place = bytes.len() - 100;
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    String::from_utf8_lossy(&bytes).into_owned()
}

fn status_of(port: u16, request: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("Traefik does not listen")?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(request)?;
    let mut status_line = [0; 12];
    stream.read_exact(&mut status_line).context("a bad request got no answer")?;
    Ok(String::from_utf8_lossy(&status_line[9..]).into_owned())
}
