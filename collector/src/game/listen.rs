//! A socket of this machine to which the game connects. It may come again, and before its last connection is known to be gone.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{GameError, Inbox, read_all};

/// Of one game that has come again, and one that somebody looks at.
const MOST_CONNECTIONS: usize = 4;

/// After a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

type Connection = Box<dyn AsyncRead + Send + Unpin>;

impl Listener {
    /// At a port of this machine.
    pub(crate) async fn tcp(address: SocketAddr) -> Result<Self, GameError> {
        if !address.ip().is_loopback() {
            return Err(GameError::Open(address));
        }
        let listener = TcpListener::bind(address).await;
        listener.map(Self::Tcp).map_err(|error| GameError::Listen(address.to_string(), error))
    }

    /// At a path, for this user alone.
    pub(crate) async fn unix(path: &Path) -> Result<Self, GameError> {
        let listen = async {
            // Left by a collector that was killed: nobody answers there.
            let is_left = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
            if is_left && UnixStream::connect(path).await.is_err() {
                std::fs::remove_file(path)?;
            }
            let listener = UnixListener::bind(path)?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
            io::Result::Ok(listener)
        };
        listen.await.map(Self::Unix).map_err(|error| GameError::Listen(path.display().to_string(), error))
    }

    /// Where it listens.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(|address| address.to_string()).unwrap_or_default(),
            Self::Unix(listener) => match listener.local_addr() {
                Ok(address) => address.as_pathname().map(|path| path.display().to_string()).unwrap_or_default(),
                Err(_) => String::new(),
            },
        }
    }

    /// Takes in the lines of all who connect; ends only with its task.
    pub(crate) async fn run(self, inbox: Inbox) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.accept() => match accepted {
                    Ok(connection) if connections.len() < MOST_CONNECTIONS => {
                        let inbox = inbox.clone();
                        connections.spawn(async move {
                            // A connection that breaks ends as one that is closed.
                            let _ = read_all(connection, &inbox).await;
                        });
                    }
                    Ok(_) => inbox.voice.say("a connection more than can be one game's was closed"),
                    Err(error) => {
                        if let Some(said) = inbox.trouble.said(|| format!("a connection of the game failed: {error}")) {
                            inbox.voice.say(&said);
                        }
                        // Out of files, most likely; that passes, and does not by being asked without a pause.
                        sleep(PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn accept(&self) -> io::Result<Connection> {
        Ok(match self {
            Self::Tcp(listener) => Box::new(listener.accept().await?.0),
            Self::Unix(listener) => Box::new(listener.accept().await?.0),
        })
    }
}
