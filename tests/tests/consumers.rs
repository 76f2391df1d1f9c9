//! Consumers through the real gate: two workers and one who never says anything share the work, a replica is killed in the
//! middle, and every event is done once at last, those of one subject in their order.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use watchgate_tests::client::{Caller, expect_json, status};
use watchgate_tests::replicas::{at, two_replicas};
use watchgate_tests::wait::until;
use watchgate_tests::{Stage, StageOptions};

const SOURCE: &str = "https://issuer.watchgate.test#console-7";
const JOBS: &str = "/v1/consumers/jobs";
const FETCH: &str = "/v1/consumers/jobs/events:fetch";
const SETTLE: &str = "/v1/consumers/jobs/events:settle";
const SUBJECTS: usize = 8;
const ACK_WAIT: Duration = Duration::from_secs(2);
const ENOUGH: Duration = Duration::from_secs(60);

/// What all workers have seen so far.
#[derive(Default)]
struct Seen {
    /// The place in its subject of the event that was handed out last.
    newest: BTreeMap<String, u64>,
    /// Events whose holder has begun to say that they are done.
    settling: BTreeSet<(String, u64)>,
    /// How often it was answered that an event is done; an answer that was lost is in `unknown`.
    done: BTreeMap<String, usize>,
    unknown: BTreeSet<String>,
    /// When an event was handed out as a later attempt.
    again: BTreeMap<String, (Instant, u64)>,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Seen>>);

impl Log {
    fn with<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whoever is handed an event must be handed it in its order, and when those before it are done.
    fn handed(&self, delivered: &Value) -> Result<()> {
        let (subject, place, id) = named(delivered)?;
        self.with(|seen| {
            let newest = seen.newest.entry(subject.clone()).or_default();
            ensure!(place >= *newest, "{id} came after {newest} of its subject");
            *newest = place;
            let open = (0..place).find(|before| !seen.settling.contains(&(subject.clone(), *before)));
            ensure!(open.is_none(), "{id} came while {open:?} of its subject was not done");
            if let Some(attempt) = delivered["attempt"].as_u64().filter(|attempt| *attempt > 1) {
                seen.again.insert(id, (Instant::now(), attempt));
            }
            Ok(())
        })
    }

    fn count(&self) -> usize {
        self.with(|seen| seen.done.keys().chain(&seen.unknown).collect::<BTreeSet<_>>().len())
    }
}

fn named(delivered: &Value) -> Result<(String, u64, String)> {
    let event = &delivered["event"];
    let text = |name: &str| Ok::<_, anyhow::Error>(event[name].as_str().context("no text")?.to_owned());
    Ok((text("subject")?, event["data"]["place"].as_u64().context("no place")?, text("id")?))
}

fn claim(delivered: &Value) -> Value {
    json!({"position": delivered["position"], "fence": delivered["fence"]})
}

fn put(caller: &Caller, settings: &Value) -> RequestBuilder {
    caller.request(Method::PUT, JOBS).json(settings)
}

/// Sends `count` events in one batch, the subjects in turn.
async fn send_events(sender: &Caller, count: usize) -> Result<()> {
    let event = |number: usize| {
        json!({
            "specversion": "1.0", "id": number.to_string(), "source": SOURCE, "type": "com.example.telemetry.reading",
            "subject": format!("rack-{}", number % SUBJECTS), "data": {"place": number / SUBJECTS},
        })
    };
    let events: Vec<_> = (0..count).map(event).collect();
    let request =
        sender.request(Method::POST, "/v1/events").header("content-type", "application/cloudevents-batch+json");
    expect_json(202, request.body(json!(events).to_string())).await?;
    Ok(())
}

/// Sends until somebody answers, first to the worker's own replica; gives how many answers were lost.
async fn answered(replica: usize, request: &RequestBuilder) -> Result<(Value, usize)> {
    let mut lost = 0_usize;
    let sending = async {
        loop {
            let request = request.try_clone().context("a request that can be sent once only")?;
            let request = if lost == 0 { at(replica, request) } else { request };
            match request.send().await {
                Ok(answer) if answer.status() == 200 => match answer.json().await {
                    Ok(json) => return Ok((json, lost)),
                    Err(_) => lost = lost.saturating_add(1),
                },
                Ok(answer) if !matches!(answer.status().as_u16(), 502..=504) => {
                    anyhow::bail!("answered {}: {}", answer.status(), answer.text().await?)
                }
                _ => lost = lost.saturating_add(1),
            }
        }
    };
    tokio::time::timeout(ENOUGH, sending).await.context("it was never answered")?
}

/// Takes what is handed out and says that it is done, until everything is.
async fn work(caller: Caller, replica: usize, log: Log, count: usize) -> Result<()> {
    while log.count() < count {
        let (fetched, _) = answered(replica, &caller.post(FETCH, &json!({"max": 5, "wait_seconds": 1}))).await?;
        let events = fetched["events"].as_array().context("no events")?;
        for event in events {
            log.handed(event)?;
        }
        if events.is_empty() {
            continue;
        }
        let claims: Vec<_> = events.iter().map(claim).collect();
        let all = events.iter().map(named).collect::<Result<Vec<_>>>()?;
        log.with(|seen| seen.settling.extend(all.iter().map(|(subject, place, _)| (subject.clone(), *place))));
        let (settled, lost) = answered(replica, &caller.post(SETTLE, &json!({"ack": claims}))).await?;
        let stale = settled["stale"].as_array().context("nothing about stale ones")?;
        for ((_, _, id), claim) in all.into_iter().zip(claims) {
            log.with(|seen| {
                if !stale.contains(&claim) {
                    let times = seen.done.entry(id).or_default();
                    *times = times.saturating_add(1);
                } else if lost > 0 {
                    // Taken before the answer was lost, or its time was over and somebody else has it now.
                    seen.unknown.insert(id);
                }
            });
        }
    }
    Ok(())
}

/// The whole story; `interrupt` does what it does when a third is done.
async fn play(stage: &Stage, count: usize, interrupt: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
    let sender = stage.caller("console-7", "events:write events:read")?;
    let worker = || stage.caller("worker", "events:consume");
    let settings = json!({
        "filter": {"source": SOURCE}, "ordered": true, "ack_wait_seconds": ACK_WAIT.as_secs(), "max_deliveries": 50,
    });
    ensure!(status(at(0, put(&worker()?, &settings))).await? == 201, "the consumer is not new");
    ensure!(status(at(1, put(&worker()?, &settings))).await? == 200, "the other replica does not know it");
    send_events(&sender, count).await?;

    // One who takes some and is never heard of again.
    let silent_since = Instant::now();
    let held = expect_json(200, at(0, worker()?.post(FETCH, &json!({"max": 4})))).await?;
    let held = held["events"].as_array().context("no events")?;
    ensure!(held.len() == 4 && held.iter().all(|event| event["attempt"] == 1), "{held:?}");

    let log = Log::default();
    let mut working = JoinSet::new();
    for replica in [0, 1] {
        working.spawn(work(worker()?, replica, log.clone(), count));
    }
    until("a third is done", ENOUGH, async || Ok((log.count() > count / 3).then_some(()))).await?;
    interrupt().await?;
    while let Some(ended) = working.join_next().await {
        ended??;
    }

    let late: Vec<_> = held.iter().map(claim).collect();
    let answer = expect_json(200, worker()?.post(SETTLE, &json!({"ack": late}))).await?;
    ensure!(answer == json!({"taken": 0, "stale": late}), "the silent one's late word was answered {answer}");
    log.with(|seen| {
        let twice: Vec<_> = seen.done.iter().filter(|(_, times)| **times > 1).collect();
        ensure!(twice.is_empty(), "done twice: {twice:?}");
        for event in held {
            let (_, _, id) = named(event)?;
            let (when, attempt) = seen.again.get(&id).with_context(|| format!("{id} was not handed out again"))?;
            ensure!(*attempt == 2, "{id} came again as attempt {attempt}");
            let after = when.duration_since(silent_since);
            ensure!(after >= ACK_WAIT, "{id} was taken from its holder after {after:?}");
        }
        println!(
            "{count} events done once, {} handed out again, {} answers unknown",
            seen.again.len(),
            seen.unknown.len()
        );
        Ok(())
    })?;
    let told = expect_json(200, sender.get("/v1/events?type=dev.watchgate.consumer.gave-up")).await?;
    ensure!(told["events"] == json!([]), "{told}");
    Ok(())
}

async fn nothing_is_left(stage: &Stage, replica: usize) -> Result<()> {
    let standing = expect_json(200, at(replica, stage.caller("worker", "events:consume")?.get(JOBS))).await?;
    let left = (&standing["held"], &standing["waiting"], &standing["lag"]);
    ensure!(left == (&json!(0), &json!(0), &json!(0)), "replica {replica}: {standing}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_hand_out_every_event_until_it_is_done_once_although_one_is_killed() -> Result<()> {
    two_replicas()
        .await?
        .play(async |stage| {
            play(stage, 240, async || stage.kill_replica(0)).await?;
            stage.restart_replica(0).await?;
            nothing_is_left(stage, 0).await?;
            nothing_is_left(stage, 1).await
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_with_its_own_store_does_the_same_although_it_is_killed() -> Result<()> {
    Stage::start(StageOptions::default())
        .await?
        .play(async |stage| {
            play(stage, 80, async || stage.restart_replica(0).await).await?;
            nothing_is_left(stage, 0).await
        })
        .await
}
