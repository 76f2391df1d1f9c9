//! Listeners for this host alone, in the clear: whoever asks there how things are needs no certificate, and nobody else gets there.

use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::bail;
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::connections::{self, Bounds};
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

/// A listener that takes few connections at once, and none that says nothing.
pub(crate) struct Listening(TcpListener);

impl Listening {
    pub(crate) async fn on(Loopback(address): Loopback) -> io::Result<Self> {
        Ok(Self(TcpListener::bind(address).await?))
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Answers for as long as nobody drops it.
    pub(crate) async fn answer(self, routes: Router) {
        connections::answer(self.0, routes, Bounds::few(CONNECTIONS), std::future::pending()).await;
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
