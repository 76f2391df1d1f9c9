//! Load as fast as it is answered: each connection sends its next request when it has the answer to the last one.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use measuring::random::Random;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

use crate::answer;
use crate::requests::Requests;

/// How many clients there are, each with one connection that it keeps.
pub(crate) const CONNECTIONS: usize = 32;

/// Where requests go, and which.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) port: u16,
    pub(crate) requests: &'a Requests,
    pub(crate) seed: u64,
}

struct Progress {
    answered: Cell<u64>,
    is_over: Cell<bool>,
}

/// Loads the target while `watch` looks on: it is handed the number of answers so far whenever it asks.
///
/// One thread and one event loop for all connections, as a load generator costs least.
pub(crate) fn while_loaded<T>(target: Target<'_>, watch: impl AsyncFnOnce(&dyn Fn() -> u64) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let progress = Rc::new(Progress { answered: Cell::new(0), is_over: Cell::new(false) });
    LocalSet::new().block_on(&runtime, async {
        let mut connections = JoinSet::new();
        for index in 0..CONNECTIONS {
            let random = Random::seeded(target.seed.wrapping_add(index as u64));
            let requests = target.requests.clone();
            connections.spawn_local(ask(target.port, requests, random, Rc::clone(&progress)));
        }
        let answered = || progress.answered.get();
        let watched = watch(&answered);
        tokio::pin!(watched);
        let seen = loop {
            tokio::select! {
                biased;
                ended = connections.join_next() => match ended {
                    Some(ended) => ended??,
                    None => bail!("every connection ended before the measurement"),
                },
                seen = &mut watched => break seen?,
            }
        };
        progress.is_over.set(true);
        while let Some(ended) = connections.join_next().await {
            ended??;
        }
        Ok(seen)
    })
}

/// Every request once, so that whatever is kept for each of them is there.
pub(crate) fn each_once(port: u16, requests: &Requests) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let next = Rc::new(Cell::new(0));
    LocalSet::new().block_on(&runtime, async {
        let mut connections = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (requests, next) = (requests.clone(), Rc::clone(&next));
            connections.spawn_local(async move {
                let mut connection = Connection::open(port).await?;
                while let Some(request) = requests.get(next.replace(next.get() + 1)) {
                    connection.exchange(request).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = connections.join_next().await {
            ended??;
        }
        Ok(())
    })
}

/// Sleeps until `seconds` have passed.
pub(crate) async fn pass(seconds: f64) -> Instant {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    Instant::now()
}

async fn ask(port: u16, requests: Requests, mut random: Random, progress: Rc<Progress>) -> Result<()> {
    let mut connection = Connection::open(port).await?;
    while !progress.is_over.get() {
        connection.exchange(requests.any(&mut random)).await?;
        progress.answered.set(progress.answered.get() + 1);
    }
    Ok(())
}

/// One connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(port: u16) -> Result<Connection> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.context("Traefik does not listen")?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::with_capacity(4 * 1024) })
    }

    /// One request and its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await.context("a request could not be sent")?;
        self.buffer.clear();
        while !answer::is_whole(&self.buffer)? {
            if self.stream.read_buf(&mut self.buffer).await.context("an answer broke off")? == 0 {
                bail!("Traefik closed a connection instead of answering");
            }
        }
        Ok(())
    }
}
