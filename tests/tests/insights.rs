//! Watches through the real gate: events become one insight with evidence, a source and a runbook, although a replica is killed
//! between the events and the insight.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;
use watchgate_tests::client::{Caller, expect_json};
use watchgate_tests::replicas::{at, two_replicas_with};
use watchgate_tests::tail::Tail;
use watchgate_tests::wait::until;
use watchgate_tests::{Stage, StageOptions, artifacts};

const SOURCE: &str = "https://issuer.watchgate.test#console-7";
const CREATED: &str = "dev.watchgate.insight.created";
const SCOPES: &str = "events:write events:read metrics:read";
/// A replica that was killed is missed after ten seconds.
const PATIENCE: Duration = Duration::from_secs(60);

fn options() -> StageOptions {
    StageOptions { watches: Some(artifacts::root().join("examples/company/watches")), ..StageOptions::default() }
}

/// A report that a worker is stuck.
fn stuck(caller: &Caller, worker: &str, number: usize) -> RequestBuilder {
    let id = format!("{worker}-{number}");
    caller
        .post("/v1/events", &json!({"worker": worker, "state": "stuck"}))
        .header("ce-specversion", "1.0")
        .header("ce-id", id)
        .header("ce-type", "com.example.telemetry.worker")
        .header("ce-source", SOURCE)
}

/// All insights that were created, oldest first.
async fn insights(caller: &Caller) -> Result<Vec<Value>> {
    let query = [("type", CREATED), ("limit", "1000")];
    let request = caller.get("/v1/events").query(&query);
    // Traefik may not have missed yet a replica that was killed.
    let page = timeout(PATIENCE, async {
        loop {
            let request = request.try_clone().context("a request that can be sent once only")?;
            match request.send().await {
                Ok(answer) if answer.status() == 200 => return Ok::<Value, anyhow::Error>(answer.json().await?),
                Err(_) => {}
                Ok(answer) => ensure!(matches!(answer.status().as_u16(), 502..=504), "answered {}", answer.status()),
            }
        }
    });
    let page = page.await.context("nobody answered")??;
    let events = page["events"].as_array().context("no events")?;
    Ok(events.iter().map(|event| event["event"].clone()).collect())
}

/// How many insights there are of each worker.
async fn counts(caller: &Caller) -> Result<BTreeMap<String, usize>> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for insight in insights(caller).await? {
        let worker = insight["data"]["key"]["data:/worker"].as_str().context("an insight without a key")?;
        let count = counts.entry(worker.to_owned()).or_default();
        *count = count.saturating_add(1);
    }
    Ok(counts)
}

async fn until_insights(caller: &Caller, count: usize) -> Result<BTreeMap<String, usize>> {
    until("every insight is there", PATIENCE, async || {
        let counts = counts(caller).await?;
        Ok((counts.len() >= count).then_some(counts))
    })
    .await
}

fn each_once(counts: &BTreeMap<String, usize>) -> Result<()> {
    ensure!(counts.values().all(|count| *count == 1), "some insights were made twice: {counts:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_become_an_insight_in_the_tail_with_evidence_a_quote_and_a_runbook_that_can_be_asked_for() -> Result<()>
{
    Stage::start(options())
        .await?
        .play(async |stage| {
            let console = stage.caller("console-7", SCOPES)?;
            let tail = Tail::open(console.clone(), &[("type", "dev.watchgate.insight.*")], |first| first).await?;
            let mut last = None;
            for number in 0..3 {
                expect_json(202, stuck(&console, "mailer", number)).await?;
                last = Some(Instant::now());
            }
            let seen = tail.follow(1, PATIENCE).await?;
            let took = last.context("nothing was sent")?.elapsed();
            let all = insights(&console).await?;
            let [insight] = all.as_slice() else { anyhow::bail!("{all:?}") };
            ensure!(insight["id"] == seen.ids[0].as_str(), "the tail showed {seen:?}, the log has {insight}");
            let data = &insight["data"];
            println!("an insight {took:?} after the last report: {data:#}");

            ensure!(data["watch"] == "stuck-worker" && data["count"] == 3 && data["judgement"] == "likely", "{data}");
            let evidence = data["evidence"].as_array().context("no evidence")?;
            let ids: Vec<_> = evidence.iter().map(|one| one["id"].clone()).collect();
            ensure!(ids == ["mailer-0", "mailer-1", "mailer-2"], "evidence: {evidence:?}");
            ensure!(evidence.iter().all(|one| one["source"] == SOURCE), "evidence: {evidence:?}");
            for citation in data["citations"].as_array().filter(|all| !all.is_empty()).context("no citation")? {
                let file = citation["file"].as_str().context("a citation without a file")?;
                let document = fs::read_to_string(artifacts::root().join("examples/company/documents").join(file))?;
                let quote = citation["quote"].as_str().context("a citation without a quote")?;
                ensure!(document.contains(quote), "{file} does not hold `{quote}`");
            }

            // What is proposed can be sent as it stands, by a person who may; the watch has sent nothing.
            let ana = stage.caller("ana", "commands:request")?;
            let commands = expect_json(200, ana.get("/v1/commands")).await?;
            ensure!(commands["commands"] == json!([]), "a watch has asked for {commands}");
            let call = json!({
                "runbook": data["proposal"]["runbook"], "parameters": data["proposal"]["parameters"], "reason": "it is stuck",
            });
            let command = expect_json(201, ana.post("/v1/commands", &call)).await?;
            ensure!(command["runbook"] == "restart-worker" && command["parameters"] == json!({"worker": "mailer"}));

            let metrics = console.get("/metrics").send().await?.text().await?;
            let line = "watchgate_insights_total{watch=\"stuck-worker\",judgement=\"likely\"} 1";
            ensure!(metrics.contains(line), "{metrics}");
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_killed_between_the_events_and_the_insight_makes_it_once_when_it_is_back() -> Result<()> {
    Stage::start(options())
        .await?
        .play(async |stage| {
            let console = stage.caller("console-7", SCOPES)?;
            const ROUNDS: usize = 3;
            let mut early = 0_usize;
            for round in 0..ROUNDS {
                let before = counts(&console).await?.len();
                for number in 0..3 {
                    expect_json(202, stuck(&console, &format!("worker-{round}"), number)).await?;
                }
                if round == 1 {
                    // Killed when it has just told.
                    until_insights(&console, before + 1).await?;
                }
                stage.restart_service().await?;
                early += usize::from(counts(&console).await?.len() == before);
                let counts = until_insights(&console, before + 1).await?;
                each_once(&counts)?;
                ensure!(counts.len() == before + 1, "{counts:?}");
            }
            println!("{ROUNDS} kills, {early} of them before the insight was made; each insight made once");
            ensure!(early > 0, "no kill came before its insight");
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_one_watches_and_the_other_goes_on_when_it_is_killed() -> Result<()> {
    const WORKERS: usize = 30;
    two_replicas_with(options())
        .await?
        .play(async |stage| {
            let console = stage.caller("console-7", SCOPES)?;
            for round in 0..2 {
                // Whichever watches: in two rounds each of them is killed once, so the one that watches is.
                let mut sending = JoinSet::new();
                for worker in 0..WORKERS {
                    let caller = stage.caller("console-7", SCOPES)?;
                    sending.spawn(async move {
                        for number in 0..3 {
                            let request = stuck(&caller, &format!("worker-{round}-{worker}"), number);
                            send_until_taken(&at(1 - round, request)).await?;
                        }
                        anyhow::Ok(())
                    });
                }
                let before = round * WORKERS;
                until("some insights are there", PATIENCE, async || {
                    Ok((counts(&console).await?.len() > before).then_some(()))
                })
                .await?;
                stage.kill_replica(round)?;
                while let Some(sent) = sending.join_next().await {
                    sent??;
                }
                let counts = until_insights(&console, before + WORKERS).await?;
                each_once(&counts)?;
                stage.restart_replica(round).await?;
            }
            for replica in [0, 1] {
                let query = [("type", CREATED), ("limit", "1000")];
                let page = expect_json(200, at(replica, console.get("/v1/events").query(&query))).await?;
                let count = page["events"].as_array().context("no events")?.len();
                ensure!(count == 2 * WORKERS, "replica {replica} knows {count} insights");
            }
            println!("{} matters, two replicas killed: {} insights", 2 * WORKERS, 2 * WORKERS);
            Ok(())
        })
        .await
}

/// Sends the same event until it is answered that it was taken.
async fn send_until_taken(request: &RequestBuilder) -> Result<()> {
    let sending = async {
        loop {
            let request = request.try_clone().context("a request that can be sent once only")?;
            match request.send().await.map(|answer| answer.status().as_u16()) {
                Ok(202) => return Ok(()),
                Err(_) | Ok(502..=504) => {}
                Ok(status) => anyhow::bail!("answered {status}"),
            }
        }
    };
    timeout(PATIENCE, sending).await.context("it was never taken")?
}
