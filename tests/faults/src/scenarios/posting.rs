//! Clients that post events through the gateway, each awaiting every answer, with a journal as workers have one.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use assistant_service::backbone::StoredEvent;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use watchgate_tests::Stage;
use watchgate_tests::client::{Caller, expect_json};

use super::door::{NoAnswer, heard};

use crate::journal::{Journal, Line};
use crate::judge::Stored;
use crate::operation::Operation;
use crate::times::{Kind, Times};
use crate::witness::Witness;

/// Whom the gate lets post in this name.
const POSTER: &str = "console-7";
pub(super) const SOURCE: &str = "https://issuer.watchgate.test#console-7";

/// After no answer.
pub(super) const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Longer than the longest run.
pub(super) const TOKEN_SECONDS: i64 = 6 * 3600;

/// Somebody who may do that, for as long as a run may take.
pub(super) fn caller(stage: &Stage, subject: &str, scopes: &str) -> Result<Caller> {
    let token = stage.token(subject).scope(scopes).ttl_seconds(TOKEN_SECONDS).mint()?;
    Ok(Caller::new(stage.client()?, &stage.base_url(), Some(token)))
}

/// How many clients post, and how often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) clients: u32,
    /// Between two events of one client, or none: as soon as the last one is acknowledged. What was not posted in time is made up for.
    pub(super) every: Duration,
    pub(super) again_after: Duration,
}

impl Pace {
    pub(super) fn of(clients: u32, every: Duration) -> Self {
        Self { clients, every, again_after: AGAIN_AFTER }
    }
}

/// The writer of a client's events, each of which is one operation.
pub(super) fn writer(client: u32) -> u32 {
    client * 4
}

/// The subject of such a writer's events.
pub(super) fn subject(writer: u32) -> String {
    format!("client-{writer}")
}

/// Clients under way, and what their journal says.
pub(super) struct Posting {
    pub(super) witness: Witness,
    pub(super) journal: Arc<Journal>,
    reader: Caller,
    ending: watch::Sender<bool>,
    clients: JoinSet<Result<()>>,
    _folder: TempDir,
}

impl Posting {
    /// Clients each of which posts events of a subject of its own until it is told to end.
    pub(super) fn begin(stage: &Stage, pace: Pace, times: &Arc<Times>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("journal");
        let (mut witness, journal) = (Witness::default(), Arc::new(Journal::open(&path)?));
        witness.hear(&path);
        let caller = caller(stage, POSTER, "events:write events:read")?;
        let (ending, ended) = watch::channel(false);
        let mut running = JoinSet::new();
        for client in 0..pace.clients {
            let first = Operation { writer: writer(client), number: 0 };
            let (caller, journal, times) = (caller.clone(), Arc::clone(&journal), Arc::clone(times));
            let due = Instant::now() + pace.every * client / pace.clients;
            running.spawn(Client { caller, journal, times, pace, due }.post(first, ended.clone()));
        }
        Ok(Self { witness, journal, reader: caller, ending, clients: running, _folder: folder })
    }

    /// Lets every client have its last answer.
    pub(super) async fn end(&mut self) -> Result<()> {
        self.ending.send_replace(true);
        while let Some(client) = self.clients.join_next().await {
            client??;
        }
        self.witness.read()
    }

    /// What is stored of them, in the log's order, by whoever answers a request that `by` made one for him.
    pub(super) async fn stored(&self, by: impl Fn(RequestBuilder) -> RequestBuilder) -> Result<Stored> {
        let (mut stored, mut after) = (Stored::default(), 0);
        loop {
            let query = [("source", SOURCE.to_owned()), ("limit", "1000".to_owned()), ("after", after.to_string())];
            let page = expect_json(200, by(self.reader.get("/v1/events").query(&query))).await?;
            for event in page.get("events").and_then(Value::as_array).context("no events")? {
                let position = event.get("position").and_then(Value::as_u64).context("an event without a position")?;
                let json = event.get("event").context("an answer without the event")?.to_string();
                stored.events.push(StoredEvent { position, json });
            }
            match page.get("next_after").and_then(Value::as_u64) {
                Some(position) => after = position,
                None => return Ok(stored),
            }
        }
    }
}

/// One who posts.
struct Client {
    caller: Caller,
    journal: Arc<Journal>,
    times: Arc<Times>,
    pace: Pace,
    due: Instant,
}

impl Client {
    /// Each event until it is answered 202.
    async fn post(mut self, mut next: Operation, ended: watch::Receiver<bool>) -> Result<()> {
        while !*ended.borrow() {
            sleep_until(self.due).await;
            let due_micros = micros_since_epoch(self.due)?;
            loop {
                self.journal.put_down(&Line::Tried(next));
                let line = match self.offer(next, due_micros).await? {
                    Ok(position) => Line::Kept(next, position),
                    // 502 or nothing at all while the service is away; it was no promise, and is posted again.
                    Err(NoAnswer(why)) => {
                        self.times.unanswered(Kind::Event, &why);
                        Line::Unknown(next, why)
                    }
                };
                self.journal.put_down(&line);
                if matches!(line, Line::Kept(..)) {
                    break;
                }
                sleep(self.pace.again_after).await;
            }
            self.times.took(Kind::Event, self.due.into_std());
            next = next.next();
            self.due = if self.pace.every.is_zero() { Instant::now() } else { self.due + self.pace.every };
        }
        Ok(())
    }

    /// The position that was told, or why none was.
    async fn offer(&self, operation: Operation, due_micros: u64) -> Result<Result<u64, NoAnswer>> {
        let request = self
            .caller
            .post("/v1/events", &json!({"number": operation.number, "due_micros": due_micros}))
            .header("ce-specversion", "1.0")
            .header("ce-id", operation.id(0))
            .header("ce-type", "com.example.telemetry.reading")
            .header("ce-source", SOURCE)
            .header("ce-subject", subject(operation.writer));
        Ok(match heard(request).await? {
            Ok((202, receipt)) => {
                Ok(receipt.get("position").and_then(Value::as_u64).context("a receipt without a position")?)
            }
            Ok((status, said)) => bail!("an event was answered {status}: {said}"),
            Err(none) => Err(none),
        })
    }
}

/// By the clock of the wall, which whoever reads the event has too.
fn micros_since_epoch(then: Instant) -> Result<u64> {
    let ago = Instant::now().saturating_duration_since(then);
    Ok(u64::try_from((SystemTime::now().duration_since(UNIX_EPOCH)?.saturating_sub(ago)).as_micros())?)
}
