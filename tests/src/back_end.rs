//! Somebody's own back end: answers every request with what it received, so that a test sees what the gate forwards.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread;

use anyhow::{Context, Result};
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

/// A back end on a free port, in a thread of its own that ends with the program.
#[derive(Debug)]
pub struct EchoBackEnd {
    address: SocketAddr,
}

impl EchoBackEnd {
    /// Starts it on loopback.
    pub fn start(name: &'static str) -> Result<EchoBackEnd> {
        EchoBackEnd::start_at(IpAddr::V4(Ipv4Addr::LOCALHOST), name)
    }

    /// Starts it at another address of this machine.
    pub fn start_at(address: IpAddr, name: &'static str) -> Result<EchoBackEnd> {
        let app = Router::new().fallback(move |method, uri, headers, body| echo(name, method, uri, headers, body));
        let address = in_a_thread_at(address, async |listener| {
            // It ends with the program, and whoever calls it sees when it does not answer.
            let _ = axum::serve(listener, app).await;
        })?;
        Ok(EchoBackEnd { address })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Runs a server on a free port in a thread with a runtime of its own, because tests that share it run in runtimes
/// that come and go.
pub fn in_a_thread(serve: impl AsyncFnOnce(TcpListener) + Send + 'static) -> Result<SocketAddr> {
    in_a_thread_at(IpAddr::V4(Ipv4Addr::LOCALHOST), serve)
}

fn in_a_thread_at(address: IpAddr, serve: impl AsyncFnOnce(TcpListener) + Send + 'static) -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind((address, 0)).context("no free port")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        TcpListener::from_std(listener)?
    };
    thread::spawn(move || runtime.block_on(serve(listener)));
    Ok(address)
}

/// The same for a server that is told connection by connection; one that fails ends that connection alone.
pub fn for_each_connection<Served>(serve: impl Fn(TcpStream) -> Served + Send + 'static) -> Result<SocketAddr>
where
    Served: Future<Output = Result<()>> + Send + 'static,
{
    in_a_thread(async move |listener| {
        while let Ok((connection, _)) = listener.accept().await {
            // Else a small frame waits for the other side's acknowledgement.
            let _ = connection.set_nodelay(true);
            tokio::spawn(serve(connection));
        }
    })
}

async fn echo(name: &'static str, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())])).collect();
    Json(json!({
        "back_end": name,
        "method": method.as_str(),
        "target": uri.to_string(),
        "headers": headers,
        "body_bytes": body.len(),
    }))
}
