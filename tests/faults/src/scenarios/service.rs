//! The whole service behind Traefik, killed again and again while many clients post over HTTP: what was answered 202 is there, once,
//! and each client's events are in its order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;
use watchgate_tests::client::{Caller, expect_json};
use watchgate_tests::{Stage, StageOptions};

use crate::dice::Dice;
use crate::report::Report;
use crate::verdict::Verdict;

const CLIENTS: usize = 8;
const SOURCE: &str = "https://issuer.watchgate.test#console-7";

pub(super) async fn killed(kills: u32, dice: &mut Dice) -> Result<Report> {
    let stage = Stage::start(StageOptions::default()).await?;
    let token = stage.mint("console-7", "events:write events:read")?;
    let ending = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let caller = Caller::new(stage.client()?, &stage.base_url(), Some(token.clone()));
        clients.spawn(post(caller, client, Arc::clone(&ending)));
    }
    for _ in 0..kills {
        sleep(Duration::from_millis(100 + dice.below(400))).await;
        stage.kill_service();
        stage.restart_service().await?;
    }
    sleep(Duration::from_millis(300)).await;
    ending.store(true, Ordering::Relaxed);
    let mut posted = BTreeMap::new();
    while let Some(client) = clients.join_next().await {
        let (client, answers) = client?;
        posted.insert(client, answers);
    }
    let stored = stored(&Caller::new(stage.client()?, &stage.base_url(), Some(token))).await?;
    let verdict = judge(&posted, &stored);
    Ok(Report { injected: format!("{kills} SIGKILLs to `watchgate serve` behind Traefik"), verdict, notes: Vec::new() })
}

/// Each event until it is answered 202; gives how many were.
async fn post(caller: Caller, client: usize, ending: Arc<AtomicBool>) -> (usize, u64) {
    let mut number = 0;
    while !ending.load(Ordering::Relaxed) {
        let request = caller
            .post("/v1/events", &json!({"number": number}))
            .header("ce-specversion", "1.0")
            .header("ce-id", format!("{client}-{number}"))
            .header("ce-type", "com.example.telemetry.reading")
            .header("ce-source", SOURCE);
        if request.send().await.is_ok_and(|answer| answer.status().as_u16() == 202) {
            number += 1;
        } else {
            // 502 or nothing at all while the service is away; it was no promise, and is posted again.
            sleep(Duration::from_millis(20)).await;
        }
    }
    (client, number)
}

/// What is stored, in the log's order.
async fn stored(caller: &Caller) -> Result<Vec<(usize, u64)>> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let query = [("source", SOURCE.to_owned()), ("limit", "1000".to_owned()), ("after", after.to_string())];
        let page = expect_json(200, caller.get("/v1/events").query(&query)).await?;
        for event in page.get("events").and_then(Value::as_array).context("no events")? {
            let id = event.pointer("/event/id").and_then(Value::as_str).context("an event without an id")?;
            let (client, number) = id.split_once('-').context("an id of nobody")?;
            all.push((client.parse()?, number.parse()?));
        }
        match page.get("next_after").and_then(Value::as_u64) {
            Some(position) => after = position,
            None => return Ok(all),
        }
    }
}

fn judge(posted: &BTreeMap<usize, u64>, stored: &[(usize, u64)]) -> Verdict {
    let mut verdict = Verdict { stored: stored.len() as u64, replicas: 1, ..Verdict::default() };
    for (client, answered) in posted {
        verdict.acknowledged += answered;
        let of_it: Vec<u64> = stored.iter().filter(|(of, _)| of == client).map(|(_, number)| *number).collect();
        // One more than was answered may be there: the last one, whose answer nobody waited for.
        let is_whole = of_it.iter().copied().eq(0..of_it.len() as u64);
        let count = of_it.len() as u64;
        if !is_whole || !(*answered..=answered + 1).contains(&count) {
            verdict.lost += answered.saturating_sub(count);
            verdict.out_of_order += u64::from(!is_whole);
            verdict
                .violate(format!("client {client} was answered {answered} times, and {count} are stored: {of_it:?}"));
        }
        verdict.in_doubt_stored += count.saturating_sub(*answered);
    }
    verdict
}
