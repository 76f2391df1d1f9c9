//! Somebody's own back end: answers every request with what it received, so that a test sees what the gate forwards.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use anyhow::{Context, Result};
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A back end on a free port, in a thread of its own that ends with the program.
#[derive(Debug)]
pub struct EchoBackEnd {
    address: SocketAddr,
}

impl EchoBackEnd {
    /// Starts it.
    pub fn start(name: &'static str) -> Result<EchoBackEnd> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        // Its own runtime, because tests that share it run in runtimes that come and go.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let app = Router::new().fallback(move |method, uri, headers, body| echo(name, method, uri, headers, body));
        thread::spawn(move || {
            runtime.block_on(async move { axum::serve(TcpListener::from_std(listener)?, app).await })
        });
        Ok(EchoBackEnd { address })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
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
