//! Two replicas of the service on one NATS server behind Traefik: any request may go to either, and what one of them took
//! with it when it was killed, nobody misses.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use watchgate_tests::Stage;
use watchgate_tests::client::{Caller, expect_json, status};
use watchgate_tests::replicas::{at, two_replicas};
use watchgate_tests::tail::{Seen, Tail};
use watchgate_tests::wait::until;

const SOURCE: &str = "https://issuer.watchgate.test#console-7";
const EVENTS: usize = 1_000;
const COMMANDS: usize = 60;
const LEASE: &str = "/v1/services/sample-service/commands:lease";
/// A lease whose answer was lost ends after half a minute, and then the command is there to be leased again.
const ENOUGH: Duration = Duration::from_secs(90);

fn event(caller: &Caller, id: &str) -> RequestBuilder {
    caller
        .post("/v1/events", &json!({"id": id}))
        .header("ce-specversion", "1.0")
        .header("ce-id", id)
        .header("ce-type", "com.example.telemetry.reading")
        .header("ce-source", SOURCE)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_replica_took_the_other_shows_at_once() -> Result<()> {
    two_replicas()
        .await?
        .play(async |stage| {
            let caller = stage.caller("console-7", "events:write events:read")?;
            for number in 0..100 {
                let (one, other) = (number % 2, (number + 1) % 2);
                let id = format!("reading-{number}");
                let taken = expect_json(202, at(one, event(&caller, &id))).await?;
                // The other one may not know this position yet, and must not take it for one that was never given.
                let resumed = at(other, caller.get("/v1/events").query(&[("source", SOURCE)]))
                    .header("accept", "text/event-stream")
                    .header("last-event-id", taken["position"].to_string());
                let answered = status(resumed).await?;
                ensure!(answered == 200, "a tail that goes on after {id} was answered {answered}");
                let query = [("source", SOURCE), ("order", "desc"), ("limit", "1")];
                let page = expect_json(200, at(other, caller.get("/v1/events").query(&query))).await?;
                ensure!(page["events"][0]["event"]["id"] == id.as_str(), "after {id} the other replica shows {page}");
                ensure!(
                    page["events"][0]["position"] == taken["position"],
                    "{taken} is elsewhere at the other: {page}"
                );
                // A duplicate is one wherever it is sent.
                let again = expect_json(202, at(other, event(&caller, &id))).await?;
                ensure!(again["duplicate"] == true && again["position"] == taken["position"], "{taken}, then {again}");
            }
            a_command_goes_from_one_to_the_other(stage).await
        })
        .await
}

/// Each step at the replica that did not do the step before it.
async fn a_command_goes_from_one_to_the_other(stage: &Stage) -> Result<()> {
    let ana = stage.caller("ana", "commands:request commands:approve events:read")?;
    let ben = stage.caller("ben", "commands:approve")?;
    let service = stage.caller("sample-service", "commands:lease")?;
    let call = json!({"runbook": "restart-worker", "parameters": {"worker": "mailer"}, "reason": "the queue grows"});
    let command = expect_json(201, at(0, ana.post("/v1/commands", &call))).await?;
    let path = format!("/v1/commands/{}", command["id"].as_str().context("a command without an id")?);
    let decision = json!({"decision": "approve", "digest": command["digest"]});
    expect_json(200, at(1, ben.post(&format!("{path}/approval"), &decision))).await?;
    let leased = expect_json(200, at(0, service.post(LEASE, &json!({"wait_seconds": 0})))).await?;
    ensure!(leased["command"]["id"] == command["id"], "{leased}");
    let result = json!({"fence": leased["fence"], "outcome": "succeeded", "result": {}});
    expect_json(200, at(1, service.post(&format!("{path}/result"), &result))).await?;
    let done = expect_json(200, at(0, ana.get(&path))).await?;
    ensure!(done["state"] == "succeeded", "{done}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_nats_no_replica_is_ready_and_with_it_again_both_go_on() -> Result<()> {
    two_replicas()
        .await?
        .play(async |stage| {
            let caller = stage.caller("console-7", "events:write events:read")?;
            expect_json(202, event(&caller, "before")).await?;
            stage.nats()?.kill();
            for index in [0, 1] {
                readiness(stage, index, 503).await?;
            }
            let refused = status(event(&caller, "meanwhile")).await?;
            ensure!(refused == 503, "without NATS an event was answered {refused}");
            stage.nats()?.restart()?;
            for index in [0, 1] {
                readiness(stage, index, 200).await?;
                let id = format!("after-{index}");
                expect_json(202, at(index, event(&caller, &id))).await?;
                let stored = stored(1 - index, &caller).await?;
                ensure!(stored.contains_key("before") && stored.contains_key(&id), "stored: {stored:?}");
            }
            Ok(())
        })
        .await
}

async fn readiness(stage: &Stage, index: usize, wanted: u16) -> Result<()> {
    let client = watchgate_tests::client::plain()?;
    let url = format!("{}/readyz", stage.replica_url(index)?);
    until("a replica says whether it is ready", Duration::from_secs(20), async || {
        Ok((client.get(&url).send().await?.status() == wanted).then_some(()))
    })
    .await
}

/// What the load has done so far.
#[derive(Default)]
struct Load {
    next: AtomicUsize,
    accepted: AtomicUsize,
    requested: AtomicUsize,
    has_ended: AtomicBool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_killed_under_load_takes_nothing_with_it() -> Result<()> {
    two_replicas()
        .await?
        .play(async |stage| {
            let load = Arc::new(Load::default());
            let reader = stage.caller("console-7", "events:write events:read")?;
            let tail = Tail::open(reader.clone(), &[("source", SOURCE)], |request| at(0, request)).await?;
            let watching = tokio::spawn(tail.follow(EVENTS, ENOUGH));
            let mut posting = JoinSet::new();
            for _ in 0..8 {
                let caller = Caller::new(stage.client()?, &stage.base_url(), reader.token().map(str::to_owned));
                posting.spawn(post_events(caller, Arc::clone(&load)));
            }
            let requesting = tokio::spawn(request_commands(stage.caller("ana", "commands:request")?, Arc::clone(&load)));
            let mut working = JoinSet::new();
            for _ in 0..3 {
                working.spawn(work(stage.caller("sample-service", "commands:lease")?, Arc::clone(&load)));
            }

            until("a third of both is done", ENOUGH, async || {
                let enough = load.accepted.load(Ordering::Relaxed) > EVENTS / 3;
                Ok((enough && load.requested.load(Ordering::Relaxed) > COMMANDS / 3).then_some(()))
            })
            .await?;
            stage.kill_replica(0)?;
            let (mut lost_answers, mut accepted) = (0, BTreeSet::new());
            while let Some(posted) = posting.join_next().await {
                let (ids, again) = posted??;
                accepted.extend(ids);
                lost_answers += again;
            }
            ensure!(accepted.len() == EVENTS, "{} of {EVENTS} events were taken", accepted.len());
            requesting.await??;
            let asked = all_commands_end(stage, &load).await?;
            let handled = joined(working).await?;

            // The killed one comes back, and knows what happened while it was gone.
            stage.restart_replica(0).await?;
            for index in [0, 1] {
                let stored = stored(index, &reader).await?;
                let missing: Vec<_> = accepted.iter().filter(|id| !stored.contains_key(*id)).collect();
                ensure!(missing.is_empty(), "replica {index} has lost {missing:?}");
                ensure!(stored.values().all(|times| *times == 1), "replica {index} has some twice: {stored:?}");
            }
            ensure!(handled.len() == asked, "{asked} commands, {} handled", handled.len());
            ensure!(handled.values().all(|times| *times == 1), "some were handled twice: {handled:?}");
            let Seen { ids, resumed } = watching.await??;
            ensure!(resumed > 0, "the tail was not at the replica that was killed");
            let seen: BTreeSet<_> = ids.iter().cloned().collect();
            ensure!(seen == accepted && ids.len() == seen.len(), "the tail saw {} events of {EVENTS}", ids.len());
            println!(
                "{EVENTS} events, {lost_answers} answers lost; {asked} commands handled once; tail resumed {resumed} time(s)"
            );
            Ok(())
        })
        .await
}

/// Posts each event until it is taken; gives their ids, and how many answers were lost.
async fn post_events(caller: Caller, load: Arc<Load>) -> Result<(Vec<String>, usize)> {
    let (mut taken, mut lost) = (Vec::new(), 0_usize);
    loop {
        let number = load.next.fetch_add(1, Ordering::Relaxed);
        if number >= EVENTS {
            return Ok((taken, lost));
        }
        let id = format!("reading-{number}");
        lost = lost.saturating_add(send_until_taken(&event(&caller, &id), |status| status == 202).await?);
        load.accepted.fetch_add(1, Ordering::Relaxed);
        taken.push(id);
    }
}

/// Sends the same request until its answer says that it was taken; gives how many answers were lost.
async fn send_until_taken(request: &RequestBuilder, is_taken: fn(u16) -> bool) -> Result<usize> {
    let mut lost = 0_usize;
    let sending = async {
        loop {
            let request = request.try_clone().context("a request that can be sent once only")?;
            match request.send().await.map(|answer| answer.status().as_u16()) {
                Ok(status) if is_taken(status) => return Ok(lost),
                Err(_) | Ok(502..=504) => lost = lost.saturating_add(1),
                Ok(status) => anyhow::bail!("answered {status}"),
            }
        }
    };
    tokio::time::timeout(ENOUGH, sending).await.context("it was never taken")?
}

/// Asks for commands one after the other. Whether one was asked for whose answer was lost is not known here.
async fn request_commands(ana: Caller, load: Arc<Load>) -> Result<()> {
    let call = json!({"runbook": "show-status", "parameters": {}, "reason": "a look"});
    while load.requested.load(Ordering::Relaxed) < COMMANDS {
        let status = ana.post("/v1/commands", &call).send().await.map(|answer| answer.status().as_u16());
        ensure!(matches!(status, Err(_) | Ok(201 | 502..=504)), "a command was answered {status:?}");
        load.requested.fetch_add(usize::from(matches!(status, Ok(201))), Ordering::Relaxed);
    }
    Ok(())
}

/// Leases commands and does their work; gives how many times the work of each was done.
async fn work(service: Caller, load: Arc<Load>) -> Result<BTreeMap<String, usize>> {
    let mut done: BTreeMap<String, usize> = BTreeMap::new();
    while !load.has_ended.load(Ordering::Relaxed) {
        let Ok(answer) = service.post(LEASE, &json!({"wait_seconds": 1})).send().await else { continue };
        let Ok(leased) = answer.json::<Value>().await else { continue };
        let Some(id) = leased["command"]["id"].as_str() else { continue };
        let times = done.entry(id.to_owned()).or_default();
        *times = times.saturating_add(1);
        let path = format!("/v1/commands/{id}/result");
        let result = json!({"fence": leased["fence"], "outcome": "succeeded", "result": {}});
        // 409: it was taken, and the answer was lost.
        send_until_taken(&service.post(&path, &result), |status| status < 300 || status == 409).await?;
    }
    Ok(done)
}

async fn joined(mut working: JoinSet<Result<BTreeMap<String, usize>>>) -> Result<BTreeMap<String, usize>> {
    let mut all = BTreeMap::new();
    while let Some(done) = working.join_next().await {
        for (id, times) in done?? {
            let so_far: &mut usize = all.entry(id).or_default();
            *so_far = so_far.saturating_add(times);
        }
    }
    Ok(all)
}

/// Waits until every command has succeeded; gives how many there are.
async fn all_commands_end(stage: &Stage, load: &Load) -> Result<usize> {
    let ana = stage.caller("ana", "commands:request commands:approve")?;
    let count = until("every command has succeeded", ENOUGH, async || {
        let page = expect_json(200, ana.get("/v1/commands?limit=200")).await?;
        let commands = page["commands"].as_array().context("no commands")?;
        let have_succeeded = commands.iter().all(|command| command["state"] == "succeeded");
        Ok(have_succeeded.then_some(commands.len()))
    })
    .await?;
    load.has_ended.store(true, Ordering::Relaxed);
    Ok(count)
}

/// How many times each event is stored, as one replica knows it.
async fn stored(index: usize, caller: &Caller) -> Result<BTreeMap<String, usize>> {
    let mut times = BTreeMap::new();
    let mut after = 0;
    loop {
        let query = [("source", SOURCE.to_owned()), ("limit", "1000".to_owned()), ("after", after.to_string())];
        let page = expect_json(200, at(index, caller.get("/v1/events").query(&query))).await?;
        for event in page["events"].as_array().context("no events")? {
            let id = event["event"]["id"].as_str().context("an event without an id")?;
            let count: &mut usize = times.entry(id.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
        match page["next_after"].as_u64() {
            Some(position) => after = position,
            None => return Ok(times),
        }
    }
}
