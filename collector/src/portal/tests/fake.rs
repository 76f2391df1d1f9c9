//! A portal with a certificate of its own and the answers of a console of 2016.

use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::*;

const INFO: &str = r#"{"ComputerName" : "XboxOneName", "Language" : "en-US", "OsEdition" : "SystemOS", "OsEditionId" : 2882382797, "OsVersion" : "14385.1002.amd64fre.rs1_xbox_rel_1608.160709-1700", "Platform" : "Xbox One"}"#;

/// What came in over a connection first.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Not one byte behind the handshake.
    Nothing,
    Request {
        path: String,
        authorization: Option<String>,
    },
}

pub(super) struct FakePortal {
    port: u16,
    certificate: String,
    heard: tokio::sync::Mutex<UnboundedReceiver<Heard>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    sockets: AtomicUsize,
    polls: AtomicUsize,
}

impl FakePortal {
    pub(super) async fn start(has_socket: bool) -> Self {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (says, heard) = unbounded_channel();
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(acceptor.clone(), connection, says.clone(), Arc::clone(&counted), has_socket));
            }
        });
        Self { port, certificate: cert.pem(), heard: tokio::sync::Mutex::new(heard), counts }
    }

    pub(super) fn address(&self) -> Url {
        format!("https://localhost:{}", self.port).parse().unwrap()
    }

    pub(super) fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// What the next connection has brought.
    pub(super) async fn heard(&self) -> Heard {
        self.heard.lock().await.recv().await.unwrap()
    }

    pub(super) fn sockets(&self) -> usize {
        self.counts.sockets.load(Ordering::Relaxed)
    }

    pub(super) fn polls(&self) -> usize {
        self.counts.polls.load(Ordering::Relaxed)
    }
}

async fn serve(
    acceptor: TlsAcceptor,
    connection: TcpStream,
    says: UnboundedSender<Heard>,
    counts: Arc<Counts>,
    has_socket: bool,
) {
    let Ok(mut stream) = acceptor.accept(connection).await else {
        let _ = says.send(Heard::Nothing);
        return;
    };
    let mut is_first = true;
    while let Some(head) = head(&mut stream).await {
        let field = |wanted: &str| {
            let found = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.trim().to_owned())
        };
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let (authorization, key, origin) = (field("authorization"), field("sec-websocket-key"), field("origin"));
        if std::mem::take(&mut is_first) {
            let _ = says.send(Heard::Request { path: path.clone(), authorization: authorization.clone() });
        }
        let (status, body) = match (&path[..], key) {
            _ if authorization.is_none() => ("401 Unauthorized", String::new()),
            (SYSTEM_PERFORMANCE, Some(key))
                if has_socket && origin.is_some_and(|origin| origin.starts_with("https://localhost:")) =>
            {
                counts.sockets.fetch_add(1, Ordering::Relaxed);
                return push(stream, &key).await;
            }
            (SYSTEM_PERFORMANCE, Some(_)) => ("404 Not Found", String::new()),
            (SYSTEM_PERFORMANCE, None) => {
                let number = counts.polls.fetch_add(1, Ordering::Relaxed) + 1;
                ("200 OK", format!("{{\"CpuLoad\": {number}}}"))
            }
            ("/api/os/info", _) => ("200 OK", INFO.to_owned()),
            ("/api/os/devicefamily", _) => ("200 OK", r#"{"DeviceType" : "Windows.Xbox"}"#.to_owned()),
            _ => ("404 Not Found", String::new()),
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
    if is_first {
        let _ = says.send(Heard::Nothing);
    }
}

/// Figures as fast as they are read.
async fn push(mut stream: TlsStream<TcpStream>, key: &str) {
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    for number in 1_u8.. {
        // A text frame of a server, with no mask (RFC 6455, section 5.2).
        let text = format!("{{\"CpuLoad\": {number}}}");
        let mut frame = vec![0x81, u8::try_from(text.len()).unwrap()];
        frame.extend(text.as_bytes());
        if stream.write_all(&frame).await.is_err() || number == 200 {
            return;
        }
    }
}

async fn head(stream: &mut TlsStream<TcpStream>) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}
