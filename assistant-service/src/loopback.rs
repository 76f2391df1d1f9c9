//! Listeners for this host alone, in the clear: whoever asks there how things are needs no certificate, and nobody else gets there.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::bail;
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::Problem;

/// Whoever asks has one connection. Others wait, so that whoever opens many on this host does not take the program's files.
const CONNECTIONS: usize = 8;

/// An address that nobody on another host can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loopback(SocketAddr);

impl FromStr for Loopback {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let address: SocketAddr = text.parse()?;
        if !address.ip().is_loopback() {
            bail!("the address must be of this host alone, such as 127.0.0.1:{}", address.port());
        }
        Ok(Self(address))
    }
}

/// A listener that takes so many connections at once and no more.
pub(crate) struct Listening {
    listener: TcpListener,
    seats: Arc<Semaphore>,
}

impl Listening {
    pub(crate) async fn on(Loopback(address): Loopback) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, seats: Arc::new(Semaphore::new(CONNECTIONS)) })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers for as long as nobody drops it.
    pub(crate) async fn answer(self, routes: Router) -> io::Result<()> {
        axum::serve(self, routes).await
    }
}

/// `GET /metrics` for a collector on this host, and nothing else: no body is read, and no command comes this way. `text` gives what is counted
/// in OpenMetrics' text form.
pub(crate) fn metrics(text: impl Fn() -> Text + Send + Sync + 'static) -> Router {
    let text: Arc<dyn Fn() -> Text + Send + Sync> = Arc::new(text);
    Router::new().route("/metrics", get(counted)).fallback(async || Problem::NotFound).with_state(text)
}

type Text = Result<String, std::fmt::Error>;

async fn counted(State(text): State<Arc<dyn Fn() -> Text + Send + Sync>>) -> Result<Response, Problem> {
    let text = text().map_err(Problem::internal)?;
    Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response())
}

impl Listener for Listening {
    type Io = Seated;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Seated, SocketAddr) {
        // Never closed, so there is always one to come.
        let seat = Arc::clone(&self.seats).acquire_owned().await.ok();
        let (connection, from) = Listener::accept(&mut self.listener).await;
        (Seated { connection, _seat: seat }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.address()
    }
}

/// A connection that gives its seat back with its end.
pub(crate) struct Seated {
    connection: TcpStream,
    _seat: Option<OwnedSemaphorePermit>,
}

impl AsyncRead for Seated {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(context, into)
    }
}

impl AsyncWrite for Seated {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(context)
    }
}
