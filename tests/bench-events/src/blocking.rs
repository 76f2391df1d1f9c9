//! One connection of a client that waits for each answer.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::answer;

pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(port: u16) -> Result<Connection> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("the service does not listen")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Connection { stream, received: Vec::new() })
    }

    pub(crate) fn send(&mut self, head: &str, body: &[u8]) -> Result<()> {
        let request = [head.as_bytes(), body].concat();
        self.stream.write_all(&request).context("a request could not be sent")
    }

    /// A request, and the body of the answer to it.
    pub(crate) fn exchange(&mut self, head: &str, body: &[u8], status: u16) -> Result<&[u8]> {
        self.send(head, body)?;
        self.received.clear();
        let mut piece = [0; 64 * 1024];
        while answer::whole(&self.received, status)?.is_none() {
            let count = self.stream.read(&mut piece).context("an answer broke off")?;
            ensure!(count > 0, "the service closed a connection instead of answering");
            self.received.extend_from_slice(&piece[..count]);
        }
        Ok(answer::whole(&self.received, status)?.unwrap_or_default())
    }
}
