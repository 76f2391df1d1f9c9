//! One connection of each protocol to the gateway, over TLS 1.3 and nothing older.

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::{Buf as _, Bytes};
use h3_quinn::OpenStreams;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use quinn::Endpoint;
use quinn::crypto::rustls::QuicClientConfig;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

use crate::job::{Gateway, Protocol};

/// Ready for requests.
pub(crate) enum Connection {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
    Http3 { requests: h3::client::SendRequest<OpenStreams, Bytes>, endpoint: Endpoint },
}

/// The body of an answer, piece by piece.
pub(crate) enum Body {
    Tcp(Incoming),
    Quic(Box<h3::client::RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>>),
}

impl Connection {
    /// From this address of ours, until the handshake is done.
    pub(crate) async fn open(protocol: Protocol, gateway: &Gateway, from: IpAddr) -> Result<Connection> {
        if protocol == Protocol::Http3 {
            return quic(gateway, from).await;
        }
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(from, 0))?;
        socket.set_nodelay(true)?;
        let stream = socket.connect(gateway.address).await?;
        let alpn: &[u8] = if protocol == Protocol::Http1 { b"http/1.1" } else { b"h2" };
        let tls = TlsConnector::from(Arc::new(tls(gateway, alpn)?));
        let stream = tls.connect(ServerName::try_from("localhost")?, stream).await?;
        ensure!(stream.get_ref().1.alpn_protocol() == Some(alpn), "another protocol was agreed on");
        if protocol == Protocol::Http1 {
            let (requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            return Ok(Self::Http1(requests));
        }
        let (requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self::Http2(requests))
    }

    /// Asks for `path`; resolves when the answer begins.
    pub(crate) async fn get(&mut self, gateway: &Gateway, path: &str) -> Result<Body> {
        let uri = format!("https://localhost:{}{path}", gateway.address.port());
        let request = Request::get(&uri).header("authorization", format!("Bearer {}", gateway.token));
        let (status, body) = match self {
            Self::Http1(requests) => {
                let authority = format!("localhost:{}", gateway.address.port());
                let request = request.uri(path).header("host", authority).body(Empty::new())?;
                requests.ready().await?;
                let answer = requests.send_request(request).await?;
                (answer.status(), Body::Tcp(answer.into_body()))
            }
            Self::Http2(requests) => {
                requests.ready().await?;
                let answer = requests.send_request(request.body(Empty::new())?).await?;
                (answer.status(), Body::Tcp(answer.into_body()))
            }
            Self::Http3 { requests, .. } => {
                let mut stream = requests.send_request(request.body(())?).await?;
                stream.finish().await?;
                let status = stream.recv_response().await?.status();
                (status, Body::Quic(Box::new(stream)))
            }
        };
        ensure!(status == StatusCode::OK, "answered {status}");
        Ok(body)
    }

    /// A second handle on the same connection, for requests side by side. HTTP/1.1 has one request at a time.
    pub(crate) fn again(&self) -> Result<Connection> {
        match self {
            Self::Http1(_) => bail!("HTTP/1.1 has one request at a time"),
            Self::Http2(requests) => Ok(Self::Http2(requests.clone())),
            Self::Http3 { requests, endpoint } => {
                Ok(Self::Http3 { requests: requests.clone(), endpoint: endpoint.clone() })
            }
        }
    }

    /// Has a QUIC connection go on from another address of ours (RFC 9000, section 9). A TCP connection cannot.
    pub(crate) fn go_on_from(&self, address: IpAddr) -> Result<bool> {
        let Self::Http3 { endpoint, .. } = self else { return Ok(false) };
        endpoint.rebind(UdpSocket::bind(SocketAddr::new(address, 0))?)?;
        Ok(true)
    }
}

impl Body {
    /// The length of the next piece; none at the end.
    pub(crate) async fn piece(&mut self) -> Result<Option<usize>> {
        match self {
            Self::Tcp(body) => loop {
                match body.frame().await.transpose()? {
                    None => return Ok(None),
                    Some(frame) => {
                        if let Some(data) = frame.data_ref() {
                            return Ok(Some(data.len()));
                        }
                    }
                }
            },
            Self::Quic(stream) => Ok(stream.recv_data().await?.map(|piece| piece.remaining())),
        }
    }

    /// Reads it to its end.
    pub(crate) async fn length(mut self) -> Result<usize> {
        let mut length = 0;
        while let Some(piece) = self.piece().await? {
            length += piece;
        }
        Ok(length)
    }
}

async fn quic(gateway: &Gateway, from: IpAddr) -> Result<Connection> {
    let tls = QuicClientConfig::try_from(tls(gateway, b"h3")?)?;
    let mut endpoint = Endpoint::client(SocketAddr::new(from, 0))?;
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(tls)));
    let connection = endpoint.connect(gateway.address, "localhost")?.await?;
    let (mut driver, requests) = h3::client::new(h3_quinn::Connection::new(connection)).await?;
    tokio::spawn(async move { poll_fn(|context| driver.poll_close(context)).await });
    Ok(Connection::Http3 { requests, endpoint })
}

/// A new one each time: nobody has met before, so every handshake is a whole one.
fn tls(gateway: &Gateway, alpn: &[u8]) -> Result<ClientConfig> {
    let roots = watchgate_tests::client::roots(&gateway.ca).context("the gateway's authority cannot be read")?;
    let mut tls = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![alpn.to_vec()];
    Ok(tls)
}
