//! The back end: one line for an answer, at once or when told. It shares the machine with Traefik, so it does nothing else.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::answer;

/// A back end in a thread of its own, which ends with the program.
#[derive(Debug)]
pub(crate) struct BackEnd {
    address: SocketAddr,
    holds: watch::Sender<bool>,
    arrivals: Receiver<Instant>,
}

#[derive(Clone)]
struct Desk {
    holds: watch::Receiver<bool>,
    arrivals: Sender<Instant>,
    answer: Arc<[u8]>,
}

impl BackEnd {
    /// Starts it.
    pub(crate) fn start() -> Result<BackEnd> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (holds, held) = watch::channel(false);
        let (arrived, arrivals) = mpsc::channel();
        let desk = Desk { holds: held, arrivals: arrived, answer: answer::whole().into() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        thread::Builder::new().name("back end".into()).spawn(move || runtime.block_on(serve(listener, desk)))?;
        Ok(BackEnd { address, holds, arrivals })
    }

    /// Where Traefik finds it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on requests wait for their answers, and their arrivals are noted.
    pub(crate) fn hold(&self) {
        while self.arrivals.try_recv().is_ok() {}
        self.holds.send_replace(true);
    }

    /// When the next of the held requests arrived.
    pub(crate) fn next_arrival(&self) -> Result<Instant> {
        self.arrivals.recv_timeout(std::time::Duration::from_secs(20)).context("no request reached the back end")
    }

    /// Answers all that wait, and from now on at once.
    pub(crate) fn release(&self) {
        self.holds.send_replace(false);
    }
}

async fn serve(listener: std::net::TcpListener, desk: Desk) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let desk = desk.clone();
        // Traefik closes connections as it likes: that is no error of ours.
        tokio::spawn(async move { drop(answer_all(stream, desk).await) });
    }
}

/// Requests have no bodies, so each ends with its empty line.
async fn answer_all(mut stream: TcpStream, mut desk: Desk) -> Result<()> {
    const EMPTY_LINE: &[u8] = b"\r\n\r\n";
    stream.set_nodelay(true)?;
    let mut received = Vec::with_capacity(8 * 1024);
    while stream.read_buf(&mut received).await? > 0 {
        if !received.ends_with(EMPTY_LINE) {
            continue;
        }
        received.clear();
        if *desk.holds.borrow() {
            desk.arrivals.send(Instant::now())?;
            desk.holds.wait_for(|holds| !holds).await?;
        }
        stream.write_all(&desk.answer).await?;
    }
    Ok(())
}
