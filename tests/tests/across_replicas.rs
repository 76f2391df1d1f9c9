//! What is done at one replica counts at the other: revocations and dead letters, through the real gate.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::time::timeout;
use trust_core::time::UnixSeconds;
use trust_core::transaction_token::{HEADER, KeeperRequest, TransactionKeys, keeper_token};
use watchgate_tests::Stage;
use watchgate_tests::client::{Caller, expect_json, plain, status};
use watchgate_tests::replicas::{at, two_replicas};

const ISSUER: &str = "https://issuer.watchgate.test";
const SOURCE: &str = "https://issuer.watchgate.test#console-7";
const SENSORS: &str = "com.example.telemetry.sensors";

/// What the product promises, from the request until the stream's end at the client.
const AT_ONCE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(20);

fn event(id: &str, temperature: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": SOURCE, "type": SENSORS,
        "data": {"temperature_celsius": temperature},
    })
}

fn post(caller: &Caller, content_type: &str, body: &Value) -> RequestBuilder {
    caller.request(Method::POST, "/v1/events").header("content-type", content_type).body(body.to_string())
}

/// What a keeper is told by this replica, all of it.
async fn told_to_keepers(stage: &Stage, replica: usize) -> Result<Value> {
    let file = std::fs::read(stage.keys().join("service/transaction.keys"))?;
    let keys = TransactionKeys::from_json(&file).map_err(|error| anyhow::anyhow!("{error}"))?;
    let url = stage.replica_url(replica)?;
    let host = url.trim_start_matches("http://");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let request = KeeperRequest { method: "GET", host, target: "/v1/trust" };
    let token = keeper_token(&keys, request, "across-replicas", UnixSeconds(now)).context("no token for a keeper")?;
    expect_json(200, plain()?.get(format!("{url}/v1/trust")).header(HEADER, token)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_at_one_replica_ends_a_tail_at_the_other_and_is_told_to_keepers_there() -> Result<()> {
    two_replicas()
        .await?
        .play(async |stage| {
            let token = stage.token("ana").scope("events:read").claim("jti", "\"t-1\"").mint()?;
            let ana = Caller::new(stage.client()?, &stage.base_url(), Some(token));
            let mut tail = at(1, ana.get("/v1/events")).header("accept", "text/event-stream").send().await?;
            ensure!(tail.status() == 200, "the tail was answered {}", tail.status());
            let operator = stage.caller("operator", "revocations:write")?;
            let begun = Instant::now();
            let form = [("iss", ISSUER), ("jti", "t-1")];
            let revoked = at(0, operator.request(Method::POST, "/v1/revocations").form(&form)).send().await?;
            ensure!(revoked.status() == 200, "the revocation was answered {}", revoked.status());
            while timeout(PATIENCE, tail.chunk()).await.context("the tail does not end")??.is_some() {}
            let took = begun.elapsed();
            println!("the tail at the other replica ended after {took:?}");
            ensure!(took < AT_ONCE, "the tail ended only after {took:?}");
            for replica in [0, 1] {
                let told = told_to_keepers(stage, replica).await?;
                let told = told["revocations"].as_array().context("no revocations")?;
                ensure!(told.len() == 1 && told[0].to_string().contains("t-1"), "replica {replica} tells {told:?}");
                ensure!(status(at(replica, ana.get("/v1/events"))).await? == 401, "replica {replica} takes the token");
            }
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_of_one_replica_is_listed_and_sent_again_at_the_other() -> Result<()> {
    two_replicas()
        .await?
        .play(async |stage| {
            let sender = stage.caller("console-7", "events:write events:read")?;
            let operator = stage.caller("operator", "dead-letters:read dead-letters:write")?;
            let hot = post(&sender, "application/cloudevents+json", &event("hot", &json!("61 °C")));
            let problem = expect_json(422, at(0, hot)).await?;
            let id = problem["dead_letter"].as_str().context("no dead letter")?;
            let listed = expect_json(200, at(1, operator.get("/v1/dead-letters"))).await?;
            ensure!(listed["dead_letters"][0]["id"] == id, "{listed}");
            let replay = |index| {
                let request = operator.request(Method::POST, &format!("/v1/dead-letters/{id}/replay"));
                let request = request.header("content-type", "application/cloudevents+json");
                at(index, request.body(event("hot", &json!(61)).to_string()))
            };
            let taken = expect_json(202, replay(1)).await?;
            ensure!(status(replay(0)).await? == 404, "it was sent again twice");
            let page = expect_json(200, at(0, sender.get("/v1/events").query(&[("source", SOURCE)]))).await?;
            ensure!(page["events"][0]["position"] == taken["position"], "{page}");
            ensure!(page["events"][0]["event"]["data"] == json!({"temperature_celsius": 61}), "{page}");
            let left = expect_json(200, at(0, operator.get("/v1/dead-letters"))).await?;
            ensure!(left["dead_letters"] == json!([]), "{left}");
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_full_batch_the_good_events_are_kept_and_all_others_are_dead_letters() -> Result<()> {
    two_replicas()
        .await?
        .play(async |stage| {
            let sender = stage.caller("console-7", "events:write events:read")?;
            let operator = stage.caller("operator", "dead-letters:read")?;
            // As large as a batch may be, and every letter larger than its event: quotation marks are escaped in it.
            let padded = |number: usize| {
                let mut event = event(&number.to_string(), &json!("hot"));
                event["data"]["note"] = json!("\"".repeat(360));
                event
            };
            for good in [0, 1] {
                let mut events: Vec<_> = (0..1000 - good).map(padded).collect();
                events.extend((0..good).map(|_| event("good", &json!(61))));
                let request = at(0, post(&sender, "application/cloudevents-batch+json", &json!(events)));
                let answer = request.send().await?;
                let (status, size) = (answer.status().as_u16(), json!(events).to_string().len());
                let body = answer.text().await?;
                println!("{size} bytes with {good} good events: {status}");
                ensure!(status == [400, 202][good], "{status}: {}", body.get(..400).unwrap_or(&body));
            }
            let letters = letters(&operator).await?;
            ensure!(letters == 1999, "{letters} letters are listed at the other replica");
            let page = expect_json(200, at(1, sender.get("/v1/events").query(&[("source", SOURCE)]))).await?;
            ensure!(page["events"][0]["event"]["id"] == "good" && page["next_after"].is_null(), "{page}");
            Ok(())
        })
        .await
}

/// How many the other replica lists.
async fn letters(operator: &Caller) -> Result<usize> {
    let (mut count, mut before) = (0_usize, None::<String>);
    loop {
        let query: Vec<_> = before.iter().map(|id| ("before", id.as_str())).chain([("limit", "1000")]).collect();
        let page = expect_json(200, at(1, operator.get("/v1/dead-letters").query(&query))).await?;
        count = count.saturating_add(page["dead_letters"].as_array().context("no letters")?.len());
        match page["next_before"].as_str() {
            Some(id) => before = Some(id.to_owned()),
            None => return Ok(count),
        }
    }
}
