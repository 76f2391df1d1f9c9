//! A client that speaks HTTP/3 and nothing else, so that no test can pass over TCP by mistake.

use std::future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::{Buf as _, Bytes};
use h3::client::SendRequest;
use h3_quinn::OpenStreams;
use http::{HeaderMap, Method, Request, StatusCode};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::client::roots;

const PATIENCE: Duration = Duration::from_secs(20);
const TICKET_WITHIN: Duration = Duration::from_millis(300);

/// One QUIC connection to the gateway.
pub struct Http3Client {
    requests: SendRequest<OpenStreams, Bytes>,
    driver: JoinHandle<()>,
    origin: String,
    // Dropping the endpoint would close the connection under the requests.
    _endpoint: Endpoint,
}

/// A whole answer.
#[derive(Debug)]
pub struct Http3Answer {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Http3Client {
    /// Connects to `address` as the host of `origin`, trusting only the authority in `ca`.
    pub async fn connect(address: SocketAddr, origin: &str, ca: &Path) -> Result<Http3Client> {
        timeout(PATIENCE, connect(address, origin, ca)).await.context("no HTTP/3 connection within 20 s")?
    }

    /// Gets `path`, with a bearer token when one is given.
    pub async fn get(&mut self, path: &str, token: Option<&str>) -> Result<Http3Answer> {
        self.send(Method::GET, path, token, &[], Bytes::new()).await
    }

    /// Posts JSON to `path`.
    pub async fn post(&mut self, path: &str, token: Option<&str>, json: &serde_json::Value) -> Result<Http3Answer> {
        self.send(Method::POST, path, token, &[], Bytes::from(json.to_string())).await
    }

    /// Posts JSON with header fields of the test's own, as they are spelled.
    pub async fn post_with(
        &mut self,
        path: &str,
        token: &str,
        fields: &[(String, String)],
        json: &serde_json::Value,
    ) -> Result<Http3Answer> {
        self.send(Method::POST, path, Some(token), fields, Bytes::from(json.to_string())).await
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        token: Option<&str>,
        fields: &[(String, String)],
        body: Bytes,
    ) -> Result<Http3Answer> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.origin));
        for (name, value) in fields {
            request = request.header(name, value);
        }
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json").header("content-length", body.len());
        }
        timeout(PATIENCE, exchange(&mut self.requests, request.body(())?, body))
            .await
            .context("no answer over HTTP/3 within 20 s")?
    }
}

impl Drop for Http3Client {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Whether somebody who has been at this QUIC server on loopback before may send requests along with the first packet of the next
/// connection (0-RTT), before the server knows that it is not a copy of that packet.
pub async fn takes_early_data(port: u16, ca: &Path) -> Result<bool> {
    let endpoint = endpoint(ca)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let first = endpoint.connect(address, "localhost")?.await?;
    // The ticket for the next time comes after the handshake.
    sleep(TICKET_WITHIN).await;
    first.close(0u8.into(), b"");
    match endpoint.connect(address, "localhost")?.into_0rtt() {
        Ok((_, accepted)) => Ok(timeout(PATIENCE, accepted).await.context("no connection within 20 s")?),
        Err(connecting) => {
            timeout(PATIENCE, connecting).await.context("no connection within 20 s")??;
            Ok(false)
        }
    }
}

fn endpoint(ca: &Path) -> Result<Endpoint> {
    let mut tls = rustls::ClientConfig::builder().with_root_certificates(roots(ca)?).with_no_client_auth();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    tls.enable_early_data = true;
    let mut endpoint = Endpoint::client(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))?;
    endpoint.set_default_client_config(ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?)));
    Ok(endpoint)
}

async fn connect(address: SocketAddr, origin: &str, ca: &Path) -> Result<Http3Client> {
    let url: http::Uri = origin.parse().context("the origin is no URL")?;
    let endpoint = endpoint(ca)?;
    let connection = endpoint.connect(address, url.host().context("the origin names no host")?)?.await?;
    let (mut driver, requests) = h3::client::new(h3_quinn::Connection::new(connection)).await?;
    let driver = tokio::spawn(async move {
        // Ends when either side closes; the requests report why.
        future::poll_fn(|context| driver.poll_close(context)).await;
    });
    Ok(Http3Client { requests, driver, origin: origin.to_owned(), _endpoint: endpoint })
}

async fn exchange(
    requests: &mut SendRequest<OpenStreams, Bytes>,
    request: Request<()>,
    body: Bytes,
) -> Result<Http3Answer> {
    let mut stream = requests.send_request(request).await?;
    if !body.is_empty() {
        stream.send_data(body).await?;
    }
    stream.finish().await?;
    let (head, ()) = stream.recv_response().await?.into_parts();
    let mut body = Vec::new();
    while let Some(mut chunk) = stream.recv_data().await? {
        let chunk = chunk.copy_to_bytes(chunk.remaining());
        body.extend_from_slice(&chunk);
    }
    Ok(Http3Answer { status: head.status, headers: head.headers, body: body.into() })
}
