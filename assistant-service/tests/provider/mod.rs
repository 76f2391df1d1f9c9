//! An identity provider as it may be met: a real HTTPS server on this host that answers, is slow, breaks off, or lies.

#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part of it; a test ends where it cannot go on")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What becomes of a request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These bytes, and the connection ends.
    Bytes(Vec<u8>),
    /// The same after a while.
    After(Duration, Vec<u8>),
    /// These bytes, and nothing more ever.
    Silence(Vec<u8>),
    /// These bytes, and then blanks without an end.
    Endless(Vec<u8>),
}

/// A whole answer of this status, with further header lines.
pub(crate) fn http(status: &str, headers: &[&str], body: &[u8]) -> Answer {
    let mut lines = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    for header in headers {
        lines.push_str(header);
        lines.push_str("\r\n");
    }
    lines.push_str("\r\n");
    let mut bytes = lines.into_bytes();
    bytes.extend_from_slice(body);
    Answer::Bytes(bytes)
}

type Answers = dyn Fn(&str, &str) -> Answer + Send + Sync;

/// The server; it ends with the test.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    /// The authority that signed its certificate, which is for localhost, 127.0.0.1 and ::1.
    pub(crate) ca_pem: String,
    answers: Arc<Mutex<Arc<Answers>>>,
    seen: Arc<Mutex<Vec<String>>>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Provider {
    /// With TLS. The function gets the path and the whole text of each request.
    pub(crate) fn https(answers: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(true, Arc::new(answers))
    }

    /// Without.
    pub(crate) fn http(answers: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(false, Arc::new(answers))
    }

    fn start(tls: bool, answers: Arc<Answers>) -> Self {
        let (ca_pem, acceptor) = certificate();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let std_listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        std_listener.set_nonblocking(true).unwrap();
        let address = std_listener.local_addr().unwrap();
        let answers = Arc::new(Mutex::new(answers));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (shared, log) = (Arc::clone(&answers), Arc::clone(&seen));
        runtime.spawn(async move {
            let listener = TcpListener::from_std(std_listener).unwrap();
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let (shared, log, acceptor) = (Arc::clone(&shared), Arc::clone(&log), acceptor.clone());
                tokio::spawn(async move {
                    if tls {
                        if let Ok(connection) = acceptor.accept(connection).await {
                            serve(connection, &shared, &log).await;
                        }
                    } else {
                        serve(connection, &shared, &log).await;
                    }
                });
            }
        });
        Self { address, ca_pem, answers, seen, runtime: Some(runtime) }
    }

    /// From now on.
    pub(crate) fn answer(&self, answers: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) {
        *self.answers.lock().unwrap() = Arc::new(answers);
    }

    /// The first lines of all requests so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // A test that is asynchronous itself may not wait.
        self.runtime.take().unwrap().shutdown_background();
    }
}

async fn serve<C: AsyncRead + AsyncWrite + Unpin>(
    mut connection: C,
    answers: &Mutex<Arc<Answers>>,
    seen: &Mutex<Vec<String>>,
) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match connection.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => head.extend_from_slice(buffer.get(..count).unwrap()),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let head = with_body(&mut connection, head).await;
    let first = head.lines().next().unwrap_or_default().to_owned();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().unwrap().push(first);
    let answers = Arc::clone(&answers.lock().unwrap());
    // Whoever asks may go away at any time.
    let _ = match answers(&path, &head) {
        Answer::Bytes(bytes) => send(&mut connection, &bytes).await,
        Answer::After(wait, bytes) => {
            tokio::time::sleep(wait).await;
            send(&mut connection, &bytes).await
        }
        Answer::Silence(bytes) => {
            let _ = connection.write_all(&bytes).await;
            let _ = connection.flush().await;
            std::future::pending().await
        }
        Answer::Endless(bytes) => {
            let _ = connection.write_all(&bytes).await;
            loop {
                if connection.write_all(&[b' '; 4096]).await.is_err() {
                    break Ok(());
                }
            }
        }
    };
}

/// The body may come in a record of its own.
async fn with_body<C: AsyncRead + Unpin>(connection: &mut C, mut text: String) -> String {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let missing = length.unwrap_or(0_usize).saturating_sub(body.len());
    let mut rest = vec![0; missing];
    if connection.read_exact(&mut rest).await.is_ok() {
        text.push_str(&String::from_utf8_lossy(&rest));
    }
    text
}

async fn send<C: AsyncWrite + Unpin>(connection: &mut C, bytes: &[u8]) -> std::io::Result<()> {
    connection.write_all(bytes).await?;
    connection.flush().await?;
    connection.shutdown().await
}

fn certificate() -> (String, TlsAcceptor) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let server = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let chain = vec![CertificateDer::from(server.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    (authority.pem(), TlsAcceptor::from(Arc::new(config)))
}
