//! A server that answers each request with the next of its replies, and with the last one from then on.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::PATIENCE;

/// What a server does next.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Send(String),
    /// Waits until the client leaves.
    Hold,
    /// Says this for as long as somebody listens.
    Repeat(String),
    Close,
}

#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) head: String,
    pub(super) body: Value,
}

pub(super) struct ScriptedServer {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    left: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ScriptedServer {
    pub(super) async fn start(replies: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (leaving, left) = watch::channel(0);
        let noting = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let (replies, seen, leaving) = (replies.clone(), Arc::clone(&noting), leaving.clone());
                tokio::spawn(async move {
                    // Whoever leaves in the middle of a reply is what some tests are about.
                    let _ = serve(connection, &replies, &seen, &leaving).await;
                });
            }
        });
        Self { port, seen, left, task }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Returns when so many clients have left while they were held.
    pub(super) async fn left_by(&self, count: usize) {
        let mut left = self.left.clone();
        timeout(PATIENCE, left.wait_for(|left| *left >= count)).await.expect("nobody leaves").unwrap();
    }
}

async fn serve(
    mut connection: TcpStream,
    replies: &[Vec<Act>],
    seen: &Mutex<Vec<Seen>>,
    leaving: &watch::Sender<usize>,
) -> std::io::Result<()> {
    while let Some(request) = read(&mut connection).await? {
        let place = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            seen.len() - 1
        };
        for act in replies.get(place).or(replies.last()).unwrap() {
            match act {
                Act::Send(text) => connection.write_all(text.as_bytes()).await?,
                Act::Hold => {
                    while connection.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
                    leaving.send_modify(|left| *left += 1);
                    return Ok(());
                }
                Act::Repeat(text) => {
                    while connection.write_all(text.as_bytes()).await.is_ok() {
                        tokio::task::yield_now().await;
                    }
                    leaving.send_modify(|left| *left += 1);
                    return Ok(());
                }
                Act::Close => return Ok(()),
            }
        }
    }
    Ok(())
}

async fn read(connection: &mut TcpStream) -> std::io::Result<Option<Seen>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                let body = serde_json::from_slice(&bytes[end + 4..]).unwrap_or_default();
                return Ok(Some(Seen { head, body }));
            }
        }
        let mut some = [0; 4096];
        match connection.read(&mut some).await? {
            0 => return Ok(None),
            read => bytes.extend_from_slice(&some[..read]),
        }
    }
}
