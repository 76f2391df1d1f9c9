//! Load whose requests are due at a rate of their own, whatever comes of those before: each takes a connection that is free, or waits for
//! one. One thread for all connections, as a load generator costs least.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::join_all;
use measuring::gate_word::GateWord;
use measuring::statistics::Sample;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use crate::connection::{Connection, Kind};

/// Connections of all senders together: four times as many as the service has seats.
pub(crate) const CONNECTIONS: usize = 2048;

/// An answer that comes later is of no use to whoever asked.
pub(crate) const GOOD_WITHIN: Duration = Duration::from_secs(1);

/// How long a request waits for a free connection, and then is not sent. As long as an answer may take it must not be: then each would be sent
/// when it is too late already, and what is measured would be this line and not the service.
const SENT_WITHIN: Duration = Duration::from_millis(100);

const TICK: Duration = Duration::from_millis(1);

/// How long after the last request answers are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who sends.
pub(crate) struct Sender<'a> {
    pub(crate) subject: &'a str,
    pub(crate) word: &'a GateWord,
    pub(crate) kind: Kind,
    pub(crate) connections: usize,
    /// Requests a second.
    pub(crate) rate: f64,
}

/// What came of the requests that were due between warming up and the end.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) seconds: f64,
    pub(crate) due: u64,
    /// Done, and answered in time.
    pub(crate) good: u64,
    /// Done, and answered late.
    pub(crate) late: u64,
    pub(crate) shed_503: u64,
    pub(crate) shed_429: u64,
    pub(crate) other: u64,
    /// No answer: the service hung up, or did not take the connection.
    pub(crate) broken: u64,
    /// No connection was free in time.
    pub(crate) unsent: u64,
    /// Connections that were opened.
    pub(crate) opened: u64,
    /// How long good answers took from when they were due, in ms.
    pub(crate) took_ms: Vec<f64>,
    /// The same of those that were refused, from when they were sent.
    pub(crate) refused_ms: Vec<f64>,
}

impl Outcome {
    pub(crate) fn goodput(&self) -> f64 {
        self.good as f64 / self.seconds
    }

    pub(crate) fn p99_ms(&self) -> f64 {
        Sample::of(self.took_ms.iter().copied()).quantile(0.99)
    }

    /// The share of what was due.
    pub(crate) fn share(&self, count: u64) -> f64 {
        count as f64 / self.due.max(1) as f64
    }
}

struct Due<'a> {
    sender: &'a Sender<'a>,
    waiting: RefCell<VecDeque<Instant>>,
    came: Notify,
    is_over: Cell<bool>,
    outcome: RefCell<Outcome>,
    counted_from: Instant,
}

/// Numbers of events, each used once in a run of the bench.
pub(crate) type Numbers = Cell<u64>;

/// Sends for so long, and counts what was due after `warm_up`.
pub(crate) fn run(
    runtime: &Runtime,
    port: u16,
    senders: &[Sender<'_>],
    (warm_up, counted): (Duration, Duration),
    numbers: &Numbers,
) -> Result<Vec<Outcome>> {
    let begun = Instant::now();
    let dues: Vec<_> = senders
        .iter()
        .map(|sender| Due {
            sender,
            waiting: RefCell::default(),
            came: Notify::new(),
            is_over: Cell::new(false),
            outcome: RefCell::default(),
            counted_from: begun + warm_up,
        })
        .collect();
    let mut connections = Vec::new();
    for due in &dues {
        for _ in 0..due.sender.connections {
            connections.push((due, Connection::new(port, due.sender.word, due.sender.subject, due.sender.kind)?));
        }
    }
    runtime.block_on(async {
        let sending = join_all(connections.iter_mut().map(|(due, connection)| work(due, connection, numbers)));
        let telling = join_all(dues.iter().map(|due| tell(due, begun, warm_up + counted)));
        let all = async { tokio::join!(sending, telling) };
        // Whoever has no answer by then is counted as such below.
        let _ = tokio::time::timeout(warm_up + counted + PATIENCE, all).await;
    });
    let opened: Vec<u64> = dues
        .iter()
        .map(|due| connections.iter().filter(|(of, _)| std::ptr::eq(*of, due)).map(|(_, one)| one.opened).sum())
        .collect();
    drop(connections);
    let finished = dues.into_iter().zip(opened).map(|(due, opened)| {
        let mut outcome = due.outcome.into_inner();
        let answered = outcome.good + outcome.late + outcome.shed_503 + outcome.shed_429 + outcome.other;
        outcome.broken = outcome.due.saturating_sub(answered + outcome.unsent);
        Outcome { seconds: counted.as_secs_f64(), opened, ..outcome }
    });
    Ok(finished.collect())
}

/// Tells the connections what is due.
async fn tell(due: &Due<'_>, begun: Instant, all: Duration) {
    let (mut told, mut ticks) = (0_u64, tokio::time::interval(TICK));
    while begun.elapsed() < all {
        ticks.tick().await;
        let upto = (begun.elapsed().as_secs_f64() * due.sender.rate) as u64;
        while told < upto {
            let at = begun + Duration::from_secs_f64(told as f64 / due.sender.rate);
            told += 1;
            if at >= due.counted_from {
                due.outcome.borrow_mut().due += 1;
            }
            due.waiting.borrow_mut().push_back(at);
            due.came.notify_one();
        }
        due.give_up();
    }
    due.is_over.set(true);
    due.came.notify_waiters();
}

impl Due<'_> {
    /// Takes away what was due too long ago.
    fn give_up(&self) {
        let mut waiting = self.waiting.borrow_mut();
        while waiting.front().is_some_and(|at| at.elapsed() > SENT_WITHIN) {
            if waiting.pop_front().is_some_and(|at| at >= self.counted_from) {
                self.outcome.borrow_mut().unsent += 1;
            }
        }
    }

    async fn next(&self) -> Option<Instant> {
        loop {
            self.give_up();
            if let Some(at) = self.waiting.borrow_mut().pop_front() {
                return Some(at);
            }
            if self.is_over.get() {
                return None;
            }
            self.came.notified().await;
        }
    }
}

async fn work(due: &Due<'_>, connection: &mut Connection<'_>, numbers: &Numbers) {
    while let Some(at) = due.next().await {
        numbers.set(numbers.get() + 1);
        let sent = Instant::now();
        let status = connection.send(numbers.get()).await;
        if at < due.counted_from {
            continue;
        }
        let mut outcome = due.outcome.borrow_mut();
        match status {
            Ok(status) if status == due.sender.kind.good() => {
                if at.elapsed() <= GOOD_WITHIN {
                    outcome.good += 1;
                    outcome.took_ms.push(at.elapsed().as_secs_f64() * 1e3);
                } else {
                    outcome.late += 1;
                }
            }
            Ok(refused @ (503 | 429)) => {
                *(if refused == 503 { &mut outcome.shed_503 } else { &mut outcome.shed_429 }) += 1;
                outcome.refused_ms.push(sent.elapsed().as_secs_f64() * 1e3);
            }
            Ok(_) => outcome.other += 1,
            Err(_) => {}
        }
    }
}
