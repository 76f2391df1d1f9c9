//! Readers and writers that never pause, and what became of each of their requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::{self, Caller};
use crate::installation::Installation;

const PAUSE: Duration = Duration::from_millis(20);
const READ: &str = "/v1/events?limit=1";

/// Requests under way until they are told to end.
#[derive(Debug)]
pub struct Load {
    goes_on: Arc<AtomicBool>,
    connections: JoinSet<Outcome>,
}

/// What came of them.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Requests in all.
    pub requests: usize,
    /// Those that were not answered as they should: when, what, and what came instead.
    pub failed: Vec<String>,
    /// The ids of the events that were acknowledged.
    pub acknowledged: Vec<String>,
}

impl Load {
    /// One request after the other for each caller, a quarter of them writes.
    pub fn begin(callers: Vec<Caller>) -> Load {
        let mut load = Load { goes_on: Arc::new(AtomicBool::new(true)), connections: JoinSet::new() };
        let begun = Instant::now();
        for (number, caller) in callers.into_iter().enumerate() {
            let goes_on = Arc::clone(&load.goes_on);
            load.connections.spawn(async move {
                let mut outcome = Outcome::default();
                while goes_on.load(Ordering::Relaxed) {
                    let writes = outcome.requests % 4 == number % 4;
                    let answer = if writes { write(&caller, outcome.requests).await } else { read(&caller).await };
                    outcome.requests = outcome.requests.saturating_add(1);
                    match answer {
                        Ok(acknowledged) => outcome.acknowledged.extend(acknowledged),
                        Err(why) => outcome.failed.push(format!(
                            "{:.1} s: caller {number} {}: {why:#}",
                            begun.elapsed().as_secs_f64(),
                            if writes { "POST" } else { "GET" }
                        )),
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                outcome
            });
        }
        load
    }

    /// Ends it, when what is under way has been answered.
    pub async fn end(mut self) -> Result<Outcome> {
        self.goes_on.store(false, Ordering::Relaxed);
        let mut all = Outcome::default();
        while let Some(ended) = self.connections.join_next().await {
            let one = ended?;
            all.requests = all.requests.saturating_add(one.requests);
            all.failed.extend(one.failed);
            all.acknowledged.extend(one.acknowledged);
        }
        Ok(all)
    }
}

/// Callers who read and write: in turn over HTTP/2, over HTTP/1.1, and with a new connection for each request.
pub fn callers_of_every_kind(installation: &Installation, count: usize) -> Result<Vec<Caller>> {
    let mut callers = Vec::new();
    for number in 0..count {
        let builder = client::builder(installation.ca())?;
        let client = match number % 3 {
            0 => builder,
            1 => builder.http1_only(),
            _ => builder.http1_only().pool_max_idle_per_host(0),
        };
        let token = installation.token("console-7").scope("events:read events:write").ttl_seconds(3600).mint()?;
        callers.push(Caller::new(client.build()?, installation.base_url(), Some(token)));
    }
    Ok(callers)
}

async fn read(caller: &Caller) -> Result<Option<String>> {
    client::expect_json(200, caller.get(READ)).await.map(|_| None)
}

async fn write(caller: &Caller, number: usize) -> Result<Option<String>> {
    let accepted = client::expect_json(202, caller.post("/v1/events", &json!({"number": number}))).await?;
    let id = accepted.get("id").and_then(Value::as_str).context("an event was acknowledged without its id")?;
    Ok(Some(id.to_owned()))
}
