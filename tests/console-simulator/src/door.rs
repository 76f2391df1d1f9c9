//! The portal's door: TLS, and HTTP/1.1 behind it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a client may take to shake hands.
const PATIENCE: Duration = Duration::from_secs(10);

/// Handshakes that are done and not yet taken; further ones wait.
const WAITING: usize = 64;

/// Connections whose handshake is done.
struct Door {
    address: SocketAddr,
    entered: Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl Listener for Door {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.entered.recv().await {
            Some(entered) => entered,
            // Nobody shakes hands any more: there is nothing to serve.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Serves until it is aborted.
pub(crate) async fn open(listener: TcpListener, tls: Arc<ServerConfig>, router: Router) {
    let (enter, entered) = channel(WAITING);
    let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
    let acceptor = TlsAcceptor::from(tls);
    let shake = async move {
        loop {
            let Ok((connection, peer)) = listener.accept().await else {
                // Out of descriptors, say: others end and give theirs back.
                tokio::task::yield_now().await;
                continue;
            };
            let (acceptor, enter) = (acceptor.clone(), enter.clone());
            tokio::spawn(async move {
                // Who does not get through the handshake is a client that does not trust the certificate, or a scanner.
                if let Ok(Ok(stream)) = timeout(PATIENCE, acceptor.accept(connection)).await {
                    enter.send((stream, peer)).await.ok();
                }
            });
        }
    };
    tokio::select! {
        () = shake => {}
        _ = async { axum::serve(Door { address, entered }, router).await } => {}
    }
}
