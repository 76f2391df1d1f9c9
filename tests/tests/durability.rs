//! The service is killed in the middle of the work: whatever it said 202 to is there afterwards, once.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::task::JoinSet;
use watchgate_tests::client::{Caller, expect_json};
use watchgate_tests::wait::until;
use watchgate_tests::{Stage, StageOptions};

const POSTS: usize = 2_000;
const CONNECTIONS: usize = 16;
const SOURCE: &str = "https://issuer.watchgate.test#console-7";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_accepted_event_survives_a_kill_in_the_middle_and_is_there_once() -> Result<()> {
    let stage = Stage::start(StageOptions::default()).await?;
    stage
        .play(async |stage| {
            let token = stage.mint("console-7", "events:write events:read")?;
            let next = Arc::new(AtomicUsize::new(0));
            let accepted_so_far = Arc::new(AtomicUsize::new(0));
            let mut connections = JoinSet::new();
            for _ in 0..CONNECTIONS {
                // A client each, so that there really are so many connections.
                let caller = Caller::new(stage.client()?, &stage.base_url(), Some(token.clone()));
                connections.spawn(post_all(caller, Arc::clone(&next), Arc::clone(&accepted_so_far)));
            }
            // In the middle: neither the first nor the last have been answered.
            until("a third of the posts is accepted", std::time::Duration::from_secs(60), async || {
                Ok((accepted_so_far.load(Ordering::Relaxed) > POSTS / 3).then_some(()))
            })
            .await?;
            stage.kill_service();
            let mut accepted = HashSet::new();
            while let Some(connection) = connections.join_next().await {
                accepted.extend(connection?);
            }
            ensure!(accepted.len() < POSTS, "the kill came too late, all {POSTS} posts were answered");
            stage.restart_service().await?;

            let stored = stored(&Caller::new(stage.client()?, &stage.base_url(), Some(token))).await?;
            let missing: Vec<_> = accepted.iter().filter(|id| !stored.contains_key(*id)).collect();
            ensure!(
                missing.is_empty(),
                "{} of {} accepted events are lost: {missing:?}",
                missing.len(),
                accepted.len()
            );
            let twice: Vec<_> = stored.iter().filter(|(_, times)| **times > 1).collect();
            ensure!(twice.is_empty(), "stored more than once: {twice:?}");
            println!("{} of {POSTS} accepted before the kill, {} stored", accepted.len(), stored.len());
            Ok(())
        })
        .await
}

/// Posts until all are sent; gives the ids that were answered 202.
async fn post_all(caller: Caller, next: Arc<AtomicUsize>, accepted_so_far: Arc<AtomicUsize>) -> Vec<String> {
    let mut accepted = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= POSTS {
            return accepted;
        }
        let id = format!("reading-{number}");
        let request = caller
            .post("/v1/events", &json!({"number": number}))
            .header("ce-specversion", "1.0")
            .header("ce-id", &id)
            .header("ce-type", "com.example.telemetry.reading")
            .header("ce-source", SOURCE);
        // After the kill Traefik answers 502; that was no promise.
        if request.send().await.is_ok_and(|answer| answer.status().as_u16() == 202) {
            accepted_so_far.fetch_add(1, Ordering::Relaxed);
            accepted.push(id);
        }
    }
}

/// How many times each id is stored.
async fn stored(caller: &Caller) -> Result<HashMap<String, usize>> {
    let mut times = HashMap::new();
    let mut after = 0;
    loop {
        let query = [("source", SOURCE.to_owned()), ("limit", "1000".to_owned()), ("after", after.to_string())];
        let page = expect_json(200, caller.get("/v1/events").query(&query)).await?;
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
