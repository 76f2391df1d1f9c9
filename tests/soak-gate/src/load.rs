//! Clients that know what they must be answered. Each has a connection to every Traefik and goes from one to the next, so
//! that all three get the same number of requests.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::back_end::NOBODY;
use crate::connection::{Answer, Connection};
use crate::gateway::{Gateway, Middleware};
use crate::issuer::{Expected, Known};
use crate::rotation::{COUNTS_WITHIN, Keys};

/// After so many wrong answers the run ends: it has shown what it can.
const OFTEN: u64 = 100;

/// The clients' common book.
pub(crate) struct Load {
    keys: Rc<Keys>,
    gateways: Rc<[Gateway; 3]>,
    counts: RefCell<Counts>,
    first_wrong: RefCell<Option<String>>,
}

/// How many requests were answered how.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// At each Traefik.
    pub(crate) requests: [u64; 3],
    pub(crate) permitted: u64,
    pub(crate) unauthorized: u64,
    pub(crate) forbidden: u64,
    /// Denied within the second in which either answer is right.
    pub(crate) in_transition: u64,
    pub(crate) wrong: u64,
}

/// What a client sends.
enum Choice {
    Good,
    Bad,
    Outdated,
}

impl Load {
    pub(crate) fn new(keys: Rc<Keys>, gateways: Rc<[Gateway; 3]>) -> Load {
        Load { keys, gateways, counts: RefCell::default(), first_wrong: RefCell::new(None) }
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    /// Requests at the two gates together.
    pub(crate) fn at_gates(&self) -> u64 {
        let counts = self.counts.borrow();
        let at = self.gateways.iter().zip(counts.requests);
        at.filter(|(gateway, _)| gateway.middleware() == Middleware::Gate).map(|(_, count)| count).sum()
    }

    pub(crate) fn wrong(&self) -> u64 {
        self.counts.borrow().wrong
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.wrong() > 0
    }

    pub(crate) fn has_failed_often(&self) -> bool {
        self.wrong() >= OFTEN
    }

    pub(crate) fn first_wrong(&self) -> String {
        self.first_wrong.borrow().clone().unwrap_or_default()
    }

    /// One client; it ends with the runtime.
    pub(crate) async fn run(self: Rc<Load>, seed: u64, pause: Option<Duration>) {
        let mut random = Random::seeded(seed);
        let mut connections: [Option<Connection>; 3] = [None, None, None];
        loop {
            for (place, connection) in connections.iter_mut().enumerate() {
                if let Err(error) = self.ask(place, connection, &mut random).await {
                    *connection = None;
                    self.note_wrong(&format!("{}: {error:#}", self.gateways[place].name()));
                    // Else a Traefik that has gone would be asked as fast as it goes.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                if let Some(pause) = pause {
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    async fn ask(&self, place: usize, connection: &mut Option<Connection>, random: &mut Random) -> Result<()> {
        let gateway = &self.gateways[place];
        let current = self.keys.current();
        let previous = self.keys.previous();
        let choice = match random.below(100) {
            0..90 => Choice::Good,
            90..98 => Choice::Bad,
            _ => Choice::Outdated,
        };
        let (known, choice) = match (choice, &previous) {
            (Choice::Outdated, Some(previous)) => (random.one_of(previous.good()), Choice::Outdated),
            (Choice::Bad, _) => (random.one_of(current.bad()), Choice::Bad),
            _ => (random.one_of(current.good()), Choice::Good),
        };
        let changed = self.keys.changed();
        let connection = match connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(gateway.port()).await?),
        };
        let began = Instant::now();
        let answer = connection.exchange(&known.request).await?;
        let mut counts = self.counts.borrow_mut();
        counts.requests[place] += 1;
        let verdict = match gateway.middleware() {
            Middleware::Empty => (answer.status == 200 && answer.body == NOBODY.as_bytes()).then_some(()),
            Middleware::Gate => {
                // Either key may count in the second after a change, however often it has changed since we looked.
                let is_settled = began.duration_since(changed) >= COUNTS_WITHIN && self.keys.changed() == changed;
                counts.judge(&answer, known, &choice, is_settled)
            }
        };
        drop(counts);
        if verdict.is_none() {
            let shown = String::from_utf8_lossy(answer.body).into_owned();
            let since = changed.elapsed().as_millis();
            let what = match choice {
                Choice::Good | Choice::Bad => "",
                Choice::Outdated => " under the key before",
            };
            let status = answer.status;
            self.note_wrong(&format!(
                "{}: {:?}{what}, {since} ms after the last change of keys: {status} {shown}",
                gateway.name(),
                known.expected
            ));
        }
        Ok(())
    }

    fn note_wrong(&self, what: &str) {
        self.counts.borrow_mut().wrong += 1;
        let mut first = self.first_wrong.borrow_mut();
        if first.is_none() {
            eprintln!("wrong: {what}");
            *first = Some(what.to_owned());
        }
    }
}

impl Counts {
    /// Nothing when the answer is wrong.
    fn judge(&mut self, answer: &Answer<'_>, known: &Known, choice: &Choice, is_settled: bool) -> Option<()> {
        let named = match &known.expected {
            Expected::Subject(subject) => answer.body == subject.as_bytes(),
            Expected::Unauthorized | Expected::Forbidden => false,
        };
        match (choice, &known.expected, answer.status) {
            (Choice::Good, _, 200) if named => self.permitted += 1,
            (Choice::Bad, Expected::Unauthorized, 401) => self.unauthorized += 1,
            (Choice::Bad, Expected::Forbidden, 403) => self.forbidden += 1,
            (Choice::Outdated, _, 401) => self.unauthorized += 1,
            (Choice::Outdated, _, 200) if named && !is_settled => self.in_transition += 1,
            // A key that is not known yet.
            (Choice::Good, _, 401) | (Choice::Bad, Expected::Forbidden, 401) if !is_settled => self.in_transition += 1,
            _ => return None,
        }
        Some(())
    }
}

/// Chance that can be had again: Marsaglia's xorshift64*.
struct Random {
    state: u64,
}

impl Random {
    fn seeded(seed: u64) -> Random {
        // Seeds that differ in few bits must not begin alike, and zero would stay zero.
        let mut random = Random { state: (seed ^ 0x9e37_79b9_7f4a_7c15) | 1 };
        for _ in 0..8 {
            random.below(2);
        }
        random
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let high = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        usize::try_from((high * bound as u64) >> 32).unwrap_or_default()
    }

    fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
