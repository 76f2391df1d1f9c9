//! A listener whose connections have all shown a good certificate. Handshakes run beside each other: a client that
//! connects and says nothing costs a seat for a few seconds, and nobody else's time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::files::{CannotUseTls, TlsFiles};

/// How long a client may take to show its certificate.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

/// Handshakes at once. Further clients wait in the kernel's queue, which is bounded too.
const HANDSHAKES_AT_ONCE: usize = 512;

/// Connections that are through with it and wait to be served.
const READY_CONNECTIONS: usize = 64;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

type Ready = (TlsStream<TcpStream>, SocketAddr);

/// Gives connections whose client has shown a certificate; everything it does ends when it is dropped.
pub struct TlsListener {
    ready: mpsc::Receiver<Ready>,
    address: SocketAddr,
    /// Aborted on drop.
    _tasks: JoinSet<()>,
}

impl TlsListener {
    /// Takes connections of `listener` with what `files` hold, and with what they will hold: a change counts for
    /// handshakes that begin a second later. Files that do not serve any more leave what served before.
    pub fn over(listener: TcpListener, files: TlsFiles) -> Result<Self, CannotUseTls> {
        let content = files.read()?;
        let (configs, current) = watch::channel(files.config(&content)?);
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(READY_CONNECTIONS);
        let mut tasks = JoinSet::new();
        tasks.spawn(take_over_changes(files, content.digest(), configs));
        tasks.spawn(accept(listener, current, sender));
        Ok(Self { ready, address, _tasks: tasks })
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Ready {
        match self.ready.recv().await {
            Some(ready) => ready,
            // Only a panic ends the task that sends. Then nobody is let in.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}

async fn accept(mut listener: TcpListener, configs: watch::Receiver<Arc<ServerConfig>>, ready: mpsc::Sender<Ready>) {
    let seats = Arc::new(Semaphore::new(HANDSHAKES_AT_ONCE));
    while let Ok(seat) = Arc::clone(&seats).acquire_owned().await {
        let (connection, address) = Listener::accept(&mut listener).await;
        let acceptor = TlsAcceptor::from(Arc::clone(&configs.borrow()));
        let ready = ready.clone();
        tokio::spawn(async move {
            if let Some(stream) = shake_hands(&acceptor, connection, address).await {
                // Without a receiver the service has ended.
                let _ = ready.send((stream, address)).await;
            }
            drop(seat);
        });
    }
}

async fn shake_hands(
    acceptor: &TlsAcceptor,
    connection: TcpStream,
    address: SocketAddr,
) -> Option<TlsStream<TcpStream>> {
    // Answers are small and awaited: they must not wait for a full segment.
    if let Err(error) = connection.set_nodelay(true) {
        tracing::debug!(%error, "a connection stays with Nagle's algorithm");
    }
    match timeout(HANDSHAKE_TIME, acceptor.accept(connection)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::info!(%error, %address, "a client was refused in its TLS handshake");
            None
        }
        Err(_) => {
            tracing::info!(%address, "a client did not end its TLS handshake in time");
            None
        }
    }
}

/// Looks at the files for ever. What was found to be of no use is said once, not each second.
async fn take_over_changes(files: TlsFiles, first: [u8; 32], configs: watch::Sender<Arc<ServerConfig>>) {
    let files = Arc::new(files);
    let mut seen = Some(first);
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let reading = Arc::clone(&files);
        let Ok(found) = tokio::task::spawn_blocking(move || reading.read()).await else { return };
        let now = found.as_ref().ok().map(super::files::Content::digest);
        if now == seen {
            continue;
        }
        seen = now;
        match found.and_then(|content| files.config(&content)) {
            Ok(config) => {
                configs.send_replace(config);
                tracing::info!("new connections are taken with the changed certificates");
            }
            Err(error) => tracing::error!(%error, "the changed certificates do not serve; those from before stay"),
        }
    }
}
