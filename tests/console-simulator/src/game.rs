//! What the game tells: JSON lines, one object a line, to a file, to a socket, or to standard output.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::fs::OpenOptions;
use tokio::io::{AsyncWrite, AsyncWriteExt as _, stdout};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, sleep};

/// How long it waits for somebody to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Where the lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// The end of a file.
    File(PathBuf),
    /// To whoever listens there.
    Tcp(SocketAddr),
    /// To whoever listens there.
    Unix(PathBuf),
}

impl FromStr for Output {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text.split_once(':') {
            _ if text == "-" => Self::Stdout,
            Some(("file", path)) => Self::File(path.into()),
            Some(("tcp", address)) => Self::Tcp(address.parse().context("not an address with a port")?),
            Some(("unix", path)) => Self::Unix(path.into()),
            _ => bail!("neither - nor file:PATH, tcp:ADDRESS:PORT or unix:PATH"),
        })
    }
}

/// The open end of an [`Output`].
pub(crate) struct Lines {
    output: Output,
    open: Option<Box<dyn AsyncWrite + Send + Unpin>>,
}

impl Lines {
    pub(crate) fn new(output: Output) -> Self {
        Self { output, open: None }
    }

    /// Writes whole lines. Where nobody listens, or nobody any more, it waits for somebody, and tells them again.
    pub(crate) async fn write(&mut self, lines: &[u8]) -> Result<()> {
        let until = Instant::now().checked_add(PATIENCE).context("no such time")?;
        loop {
            let done = self.attempt(lines).await;
            match done {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() >= until => return Err(error.context("nobody takes the game's lines")),
                Err(_) => {
                    self.open = None;
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn attempt(&mut self, lines: &[u8]) -> Result<()> {
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(self.output.open().await?),
        };
        open.write_all(lines).await?;
        Ok(open.flush().await?)
    }
}

impl Output {
    async fn open(&self) -> Result<Box<dyn AsyncWrite + Send + Unpin>> {
        Ok(match self {
            Self::Stdout => Box::new(stdout()),
            Self::File(path) => Box::new(OpenOptions::new().append(true).create(true).open(path).await?),
            Self::Tcp(address) => Box::new(TcpStream::connect(address).await?),
            Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }
}
