//! A console as the collector sees it: a device portal with a certificate of its own whose figures count up, and a game that writes
//! lines into a file.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use watchgate_tests::wire::read_head;

/// What the console says of itself.
const INFO: &str =
    r#"{"ComputerName": "XBOX-7", "OsEdition": "SystemOS", "OsVersion": "26100.1", "Platform": "Xbox Series X"}"#;

/// `tester:correct horse`, as its user would type it.
pub(crate) const CREDENTIALS: &str = "tester:correct horse";
const BASIC: &str = "Basic dGVzdGVyOmNvcnJlY3QgaG9yc2U=";

/// The portal.
pub(crate) struct Portal {
    port: u16,
}

impl Portal {
    pub(crate) async fn start() -> Result<Portal> {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["XBOX-7".to_owned()])?;
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), connection));
            }
        });
        Ok(Portal { port })
    }

    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }
}

async fn serve(acceptor: TlsAcceptor, connection: TcpStream) -> Result<()> {
    let mut stream = acceptor.accept(connection).await?;
    while let Some(head) = read_head(&mut stream).await? {
        let is_known = head.field("authorization") == Some(BASIC);
        let (status, body) = match (head.first_line.split(' ').nth(1), head.field("sec-websocket-key")) {
            _ if !is_known => ("401 Unauthorized", ""),
            (Some("/api/resourcemanager/systemperf"), Some(key)) => return push(stream, key).await,
            (Some("/api/os/info"), _) => ("200 OK", INFO),
            _ => ("404 Not Found", ""),
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// Figures ten times a second, of which `CpuLoad` counts up, until nobody reads them.
async fn push(mut stream: TlsStream<TcpStream>, key: &str) -> Result<()> {
    let accept = derive_accept_key(key.as_bytes());
    let upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade";
    stream.write_all(format!("{upgrade}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").as_bytes()).await?;
    let mut tick = interval(Duration::from_millis(100));
    loop {
        tick.tick().await;
        // A text frame of a server, with no mask (RFC 6455, section 5.2).
        let text = format!("{{\"CpuLoad\": {}, \"PageSize\": 4096}}", now().as_millis());
        stream.write_all(&[&[0x81, u8::try_from(text.len())?], text.as_bytes()].concat()).await?;
    }
}

/// The game: a line each 16 ms, of which `FrameTime` is the line's number.
pub(crate) struct Game {
    path: PathBuf,
    is_over: Arc<AtomicBool>,
    playing: JoinHandle<Result<u64>>,
}

impl Game {
    pub(crate) fn start(folder: &Path) -> Game {
        let (path, is_over) = (folder.join("game.jsonl"), Arc::new(AtomicBool::new(false)));
        let playing = tokio::spawn(play(path.clone(), Arc::clone(&is_over)));
        Game { path, is_over, playing }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Ends it; says how many lines it has written.
    pub(crate) async fn end(self) -> Result<u64> {
        self.is_over.store(true, Ordering::Relaxed);
        self.playing.await?
    }
}

async fn play(path: PathBuf, is_over: Arc<AtomicBool>) -> Result<u64> {
    let mut file = File::options().append(true).create(true).open(&path).context("no file for the game")?;
    let mut tick = interval(Duration::from_millis(16));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut number = 0_u64;
    while !is_over.load(Ordering::Relaxed) {
        tick.tick().await;
        // Every two seconds another scene.
        if number.is_multiple_of(125) {
            writeln!(file, "{{\"build\": \"1.4.2\", \"scene\": \"level {}\"}}", number / 125)?;
        }
        let line = format!(
            "{{\"time\": {}, \"metrics\": {{\"FrameTime\": {number}, \"gamepad.axes[0]\": 0.5}}}}\n",
            now().as_millis()
        );
        file.write_all(line.as_bytes())?;
        number += 1;
    }
    Ok(number)
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
