//! Load as fast as it is answered, in this process: each connection sends its next request when it has the answer to the last one.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use measuring::gate_word::{GateWord, Head, describe};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::answer;
use crate::event::{self, Kind};

/// What is sent, and where to.
#[derive(Clone, Copy)]
pub(crate) struct Load<'a> {
    pub(crate) port: u16,
    pub(crate) word: &'a GateWord,
    pub(crate) kind: Kind,
    pub(crate) connections: usize,
}

/// When it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    Seconds(f64),
    Events(u64),
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) events: u64,
    pub(crate) seconds: f64,
}

impl Answered {
    pub(crate) fn events_per_second(&self) -> f64 {
        self.events as f64 / self.seconds
    }
}

struct Progress {
    /// The next event's number, counted on over all that is ever sent.
    next: Cell<u64>,
    end: u64,
    deadline: Option<Instant>,
}

/// One thread and one event loop for all connections, as a load generator costs least. `next` is the next event's number.
pub(crate) fn run(load: Load<'_>, until: Until, next: &mut u64) -> Result<Answered> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let begun = Instant::now();
    let (end, deadline) = match until {
        Until::Seconds(seconds) => (u64::MAX, Some(begun + Duration::from_secs_f64(seconds))),
        Until::Events(events) => (*next + events, None),
    };
    let progress = Rc::new(Progress { next: Cell::new(*next), end, deadline });
    let connections = (0..load.connections).map(|_| ask(load, Rc::clone(&progress)));
    runtime.block_on(try_join_all(connections))?;
    let seconds = begun.elapsed().as_secs_f64();
    let events = progress.next.get() - *next;
    *next = progress.next.get();
    Ok(Answered { events, seconds })
}

async fn ask(load: Load<'_>, progress: Rc<Progress>) -> Result<()> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, load.port)).await.context("the service does not listen")?;
    stream.set_nodelay(true)?;
    let (mut body, mut request, mut received) = (Vec::new(), Vec::new(), Vec::new());
    event::body(load.kind, 0, &mut body);
    let more = describe(load.kind.content_type(), body.len());
    let mut head = Head::new(load.word, load.port, "POST", "/v1/events".to_owned(), more);
    let mut stream = stream;
    loop {
        let number = progress.next.get();
        if number >= progress.end || progress.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(());
        }
        progress.next.set(number + load.kind.events());
        event::body(load.kind, number, &mut body);
        request.clear();
        request.extend_from_slice(head.text()?.as_bytes());
        request.extend_from_slice(&body);
        stream.write_all(&request).await.context("a request could not be sent")?;
        received.clear();
        let answer = loop {
            let count = stream.read_buf(&mut received).await.context("an answer broke off")?;
            ensure!(count > 0, "the service closed a connection instead of answering");
            if answer::whole(&received, 202)?.is_some() {
                break answer::whole(&received, 202)?.unwrap_or_default();
            }
        };
        answer::check_receipts(answer, load.kind)?;
    }
}
