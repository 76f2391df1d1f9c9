//! Clients that post events through the gateway, each awaiting every answer, with a journal as workers have one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use assistant_service::backbone::StoredEvent;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use watchgate_tests::Stage;
use watchgate_tests::client::{Caller, expect_json};

use crate::journal::{Journal, Line};
use crate::judge::Stored;
use crate::operation::Operation;
use crate::witness::Witness;

/// Whom the gate lets post in this name.
const POSTER: &str = "console-7";
pub(super) const SOURCE: &str = "https://issuer.watchgate.test#console-7";

/// After no answer.
pub(super) const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Longer than the longest run.
pub(super) const TOKEN_SECONDS: i64 = 3600;

/// Somebody who may do that, for as long as a run may take.
pub(super) fn caller(stage: &Stage, subject: &str, scopes: &str) -> Result<Caller> {
    let token = stage.token(subject).scope(scopes).ttl_seconds(TOKEN_SECONDS).mint()?;
    Ok(Caller::new(stage.client()?, &stage.base_url(), Some(token)))
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
    /// So many clients, each of which posts events of a subject of its own until it is told to end.
    pub(super) fn begin(stage: &Stage, clients: u32, pause: Duration) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("journal");
        let (mut witness, journal) = (Witness::default(), Arc::new(Journal::open(&path)?));
        witness.hear(&path);
        let caller = caller(stage, POSTER, "events:write events:read")?;
        let (ending, ended) = watch::channel(false);
        let mut running = JoinSet::new();
        for client in 0..clients {
            let (caller, journal, ended) = (caller.clone(), Arc::clone(&journal), ended.clone());
            // Each operation of such a writer is one event.
            let first = Operation { writer: client * 4, number: 0 };
            running.spawn(async move { post(&caller, &journal, first, pause, ended).await });
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

/// Each event until it is answered 202.
async fn post(
    caller: &Caller,
    journal: &Journal,
    mut next: Operation,
    pause: Duration,
    ended: watch::Receiver<bool>,
) -> Result<()> {
    while !*ended.borrow() {
        loop {
            journal.put_down(&Line::Tried(next));
            let line = match offer(caller, next).await? {
                Ok(position) => Line::Kept(next, position),
                // 502 or nothing at all while the service is away; it was no promise, and is posted again.
                Err(why) => Line::Unknown(next, why),
            };
            journal.put_down(&line);
            if matches!(line, Line::Kept(..)) {
                break;
            }
            sleep(AGAIN_AFTER).await;
        }
        next = next.next();
        sleep(pause).await;
    }
    Ok(())
}

/// The position that was told, or why none was.
async fn offer(caller: &Caller, operation: Operation) -> Result<Result<u64, String>> {
    let request = caller
        .post("/v1/events", &json!({"number": operation.number}))
        .header("ce-specversion", "1.0")
        .header("ce-id", operation.id(0))
        .header("ce-type", "com.example.telemetry.reading")
        .header("ce-source", SOURCE)
        .header("ce-subject", format!("client-{}", operation.writer));
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let status = answer.status();
    if status.is_server_error() {
        return Ok(Err(status.to_string()));
    }
    ensure!(status.as_u16() == 202, "an event was answered {status}: {}", answer.text().await?);
    Ok(match answer.json::<Value>().await {
        Ok(receipt) => Ok(receipt.get("position").and_then(Value::as_u64).context("a receipt without a position")?),
        Err(error) => Err(error.to_string()),
    })
}
