//! What only the game knows: its build, its scene, its frames, what its controllers say. As lines of JSON, from a file that grows, from
//! standard input, or over a socket of this machine.

mod follow;
mod line;
mod lines;
mod listen;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::mpsc::Sender;

use crate::reading::{Context, Input, Place};
use crate::tally::{Seldom, Tally, Voice, add};
pub(crate) use follow::follow;
use line::{BadLine, LineReader, Read};
use lines::{Line, Lines};
pub(crate) use listen::Listener;

/// Where the game's lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GameSource {
    /// A file that grows, or will be there.
    File {
        /// Which one.
        path: PathBuf,
        /// Read what is in it already; otherwise only what is added. Where a spool knows how far the file was read, that holds.
        is_from_start: bool,
    },
    /// Standard input, to its end.
    StandardInput,
    /// A TCP port of a loopback address.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// Why a game's lines cannot be had.
#[derive(Debug, Error)]
pub enum GameError {
    /// Everybody on the network could say what a device has measured.
    #[error(
        "{0} is no loopback address: everybody who reaches it could speak for the game; bring the lines here through a tunnel or a file"
    )]
    Open(SocketAddr),
    /// It cannot be listened there.
    #[error("cannot listen at {0}")]
    Listen(String, #[source] io::Error),
}

/// Where lines go, and what is counted and said of them.
#[derive(Clone)]
pub(crate) struct Inbox {
    pub(crate) inputs: Sender<Input>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) voice: Arc<dyn Voice>,
    pub(crate) trouble: Arc<Seldom>,
}

impl Inbox {
    /// Takes in a line; waits while there is no room. False when nobody reads any more.
    async fn take(&self, reader: &mut LineReader, line: Line, place: Option<Place>) -> bool {
        let read = match &line {
            Line::Whole(line) if line.trim_ascii().is_empty() => return true,
            Line::Whole(line) => reader.read(line),
            Line::TooLong => Err(BadLine::TooLong),
        };
        let Read { reading, ignored } = match read {
            Ok(read) => read,
            Err(error) => {
                add(&self.tally.bad_lines, 1);
                if let Some(said) = self.trouble.said(|| format!("a line of the game says nothing: {error}")) {
                    self.voice.say(&said);
                }
                return true;
            }
        };
        add(&self.tally.ignored, ignored);
        add(&self.tally.samples, u64::try_from(reading.values.len()).unwrap_or(u64::MAX));
        let context = reader.context.clone();
        let place = place.map(|place| Place { context: context.clone(), ..place });
        self.inputs.send(Input::Game { reading, context, place }).await.is_ok()
    }
}

/// Takes in lines until the stream ends.
pub(crate) async fn read_all(mut stream: impl AsyncRead + Unpin, inbox: &Inbox) -> io::Result<()> {
    let (mut lines, mut reader, mut bytes) = (Lines::default(), LineReader::default(), vec![0; 64 * 1024]);
    loop {
        let read = stream.read(&mut bytes).await?;
        match bytes.get(..read).unwrap_or_default() {
            // The last line may have no end.
            [] if lines.is_between_lines() => return Ok(()),
            [] => lines.feed(b"\n"),
            piece => lines.feed(piece),
        }
        while let Some(line) = lines.next() {
            if !inbox.take(&mut reader, line, None).await {
                return Ok(());
            }
        }
    }
}

/// What was played when a file was last read to its place.
pub(crate) fn context_of(place: Option<&Place>) -> Context {
    place.map(|place| place.context.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
