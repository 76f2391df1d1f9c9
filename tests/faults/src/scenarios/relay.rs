//! Stands between a replica and its server: slow, or silent without a word.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// What it does with what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Passes each piece on after so long.
    Slow(Duration),
    /// Passes nothing on, as a network that drops every packet; what came is passed on later, as TCP would.
    Silent,
}

/// A relay to a port of this machine; ends when dropped.
pub(super) struct Relay {
    port: u16,
    manner: watch::Sender<Manner>,
    _listening: JoinSet<()>,
}

impl Relay {
    pub(super) async fn before(address: (Ipv4Addr, u16), to: u16, manner: Manner) -> Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let port = listener.local_addr()?.port();
        let (manner, heard) = watch::channel(manner);
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            let mut ways = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await else { continue };
                // Delays are made by nobody but us.
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                ways.spawn(pass(from_client, to_server, heard.clone()));
                ways.spawn(pass(from_server, to_client, heard.clone()));
            }
        });
        Ok(Self { port, manner, _listening: listening })
    }

    pub(super) fn url(&self) -> String {
        format!("tls://localhost:{}", self.port)
    }

    pub(super) fn be(&self, manner: Manner) {
        self.manner.send_replace(manner);
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut manner: watch::Receiver<Manner>) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count) = from.read(&mut bytes).await {
        if count == 0 || manner.wait_for(|manner| *manner != Manner::Silent).await.is_err() {
            return;
        }
        let now = *manner.borrow();
        if let Manner::Slow(delay) = now {
            sleep(delay).await;
        }
        if to.write_all(bytes.get(..count).unwrap_or_default()).await.is_err() {
            return;
        }
    }
}
