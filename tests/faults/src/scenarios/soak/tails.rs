//! Clients that hold a tail open, and come back with the last id that they have seen whenever it ends. Each follows one writer, whose
//! events it must see in their order, each once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use watchgate_tests::Stage;
use watchgate_tests::client::{self, Caller};
use watchgate_tests::tail::Tail;

use super::super::posting::{TOKEN_SECONDS, subject, writer};
use super::AGAIN_AFTER;
use crate::operation::Operation;
use crate::times::{Kind, Times};

/// As many tails as one may have.
const OF_ONE: u32 = 16;

/// A client gives its connection up after so long at least, and comes back.
const LASTS: Duration = Duration::from_secs(120);

/// Until a tail has seen what was acknowledged last.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many events of each writer there are in the end.
type Ends = Option<BTreeMap<u32, u64>>;

pub(super) struct Tails {
    following: JoinSet<Seen>,
    ends: watch::Sender<Ends>,
}

/// What one tail has seen.
#[derive(Debug, Default)]
struct Seen {
    next: u64,
    events: u64,
    resumed: u64,
    violations: Vec<String>,
}

/// What all have seen.
#[derive(Debug, Default)]
pub(super) struct Followed {
    pub(super) tails: u64,
    pub(super) events: u64,
    pub(super) resumed: u64,
    pub(super) violations: Vec<String>,
}

impl Tails {
    /// Opens so many, shared out among so many writers.
    pub(super) async fn open(stage: &Stage, count: u32, writers: u32, times: &Arc<Times>) -> Result<Self> {
        let (ends, ended) = watch::channel(None);
        let mut following = JoinSet::new();
        let mut token = String::new();
        for number in 0..count {
            if number % OF_ONE == 0 {
                let reader = stage.token(&format!("reader-{}", number / OF_ONE)).scope("events:read");
                token = reader.ttl_seconds(TOKEN_SECONDS).mint()?;
            }
            // A connection of its own, that is given up at another moment than the others'.
            let lasts = LASTS + Duration::from_millis(u64::from(number) * 500);
            let client = client::builder(&stage.ca())?.timeout(lasts).build()?;
            let caller = Caller::new(client, &stage.base_url(), Some(token.clone()));
            let writer = writer(number % writers);
            let tail = Tail::open(caller, &[("subject", &subject(writer))], |first| first).await?;
            let follower = Follower { writer, times: Arc::clone(times), ended: ended.clone() };
            following.spawn(follower.follow(tail.asking_again_after(AGAIN_AFTER)));
        }
        Ok(Self { following, ends })
    }

    /// Lets each see all that there is of its writer.
    pub(super) async fn end(mut self, ends: BTreeMap<u32, u64>) -> Followed {
        self.ends.send_replace(Some(ends));
        let mut followed = Followed::default();
        while let Some(seen) = self.following.join_next().await {
            followed.tails += 1;
            match seen {
                Ok(seen) => {
                    followed.events += seen.events;
                    followed.resumed += seen.resumed;
                    followed.violations.extend(seen.violations);
                }
                Err(error) => followed.violations.push(format!("a tail ended: {error}")),
            }
        }
        followed
    }
}

struct Follower {
    writer: u32,
    times: Arc<Times>,
    ended: watch::Receiver<Ends>,
}

impl Follower {
    async fn follow(self, mut tail: Tail) -> Seen {
        let (mut seen, mut ended) = (Seen::default(), self.ended.clone());
        let all_is_seen = async {
            tokio::select! {
                read = self.read(&mut tail, &mut seen) => read,
                // That it is over wakes whoever waits for one more.
                () = async { drop(ended.wait_for(Option::is_some).await) } => Ok(()),
            }
        };
        let read = all_is_seen.await;
        let wanted = self.ended.borrow().as_ref().and_then(|ends| ends.get(&self.writer).copied()).unwrap_or_default();
        let rest = async {
            while read.is_ok() && seen.next < wanted {
                self.step(&mut tail, &mut seen).await?;
            }
            read
        };
        match timeout(PATIENCE, rest).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => seen.violations.push(format!("a tail of {} ended: {error:#}", self.writer)),
            Err(_) => {
                let next = seen.next;
                seen.violations.push(format!("a tail of {} has seen {next} of {wanted} events", self.writer));
            }
        }
        seen
    }

    async fn read(&self, tail: &mut Tail, seen: &mut Seen) -> Result<()> {
        loop {
            self.step(tail, seen).await?;
        }
    }

    /// The next event, or that the tail has ended and is open again.
    async fn step(&self, tail: &mut Tail, seen: &mut Seen) -> Result<()> {
        match tail.next().await? {
            Some(event) => self.take(&event, seen),
            None => {
                seen.resumed += 1;
                for _ in 0..tail.resume().await? {
                    self.times.unanswered(Kind::Tail, "not opened");
                }
                Ok(())
            }
        }
    }

    fn take(&self, event: &Value, seen: &mut Seen) -> Result<()> {
        let id = event["id"].as_str().and_then(Operation::of_id);
        let (operation, _) = id.with_context(|| format!("an event of nobody: {event}"))?;
        let due = event["data"]["due_micros"].as_u64().context("an event that was never due")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        self.times.took_now(Kind::Tail, now.saturating_sub(Duration::from_micros(due)));
        if operation.writer != self.writer || operation.number != seen.next {
            let next = seen.next;
            seen.violations.push(format!("a tail of {} saw {operation:?} when {next} was next", self.writer));
        }
        seen.next = operation.number + 1;
        seen.events += 1;
        Ok(())
    }
}
