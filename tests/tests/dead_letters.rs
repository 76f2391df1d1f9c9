//! Batches and dead letters through the real gate: what a rule lets a client send holds for each event of a batch, and what
//! could not be taken is found, corrected and sent again by the command line.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::fs;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use watchgate_tests::client::{Caller, expect_json, status};
use watchgate_tests::{SharedStage, Stage, StageOptions, artifacts};

static STAGE: SharedStage = SharedStage::new(|| Ok(StageOptions::default()));

const ISSUER: &str = "https://issuer.watchgate.test";

/// A type that has a schema in the example company.
const SENSORS: &str = "com.example.telemetry.sensors";

fn sender(stage: &Stage, name: &str) -> Result<(Caller, String)> {
    Ok((stage.caller(name, "events:write events:read")?, format!("{ISSUER}#{name}")))
}

fn event(source: &str, id: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": source, "type": SENSORS, "data": {"temperature_celsius": 61}})
}

fn sent(caller: &Caller, content_type: &str, body: &Value) -> RequestBuilder {
    caller.request(Method::POST, "/v1/events").header("content-type", content_type).body(body.to_string())
}

fn batch(caller: &Caller, body: &Value) -> RequestBuilder {
    sent(caller, "application/cloudevents-batch+json; charset=utf-8", body)
}

async fn kept(caller: &Caller, source: &str) -> Result<Vec<Value>> {
    let page = expect_json(200, caller.get("/v1/events").query(&[("source", source)])).await?;
    let events = page["events"].as_array().context("no events")?;
    Ok(events.iter().map(|event| event["event"].clone()).collect())
}

#[tokio::test]
async fn a_batch_passes_the_gate_and_each_event_carries_its_senders_name() -> Result<()> {
    STAGE
        .play(async |stage| {
            let (caller, source) = sender(stage, "batch-1")?;
            let below = event(&format!("{source}/gpu"), "2");
            let receipts = expect_json(202, batch(&caller, &json!([event(&source, "1"), below]))).await?;
            ensure!(receipts[0]["id"] == "1" && receipts[1]["source"] == format!("{source}/gpu"), "{receipts}");
            let again = expect_json(202, batch(&caller, &json!([event(&source, "1")]))).await?;
            ensure!(again[0]["duplicate"] == true && again[0]["position"] == receipts[0]["position"], "{again}");
            let stored = kept(&caller, &source).await?;
            ensure!(stored.len() == 1 && stored[0]["authid"] == source, "{stored:?}");
            ensure!(expect_json(202, batch(&caller, &json!([]))).await? == json!([]), "an empty batch");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn the_rules_types_and_the_callers_source_hold_for_every_event_of_a_batch() -> Result<()> {
    STAGE
        .play(async |stage| {
            let (caller, source) = sender(stage, "batch-2")?;
            for (name, value) in [
                ("type", "dev.watchgate.command.succeeded"),
                ("type", "com.example.other"),
                ("source", "https://issuer.watchgate.test#batch-20"),
                ("source", "watchgate"),
            ] {
                let mut foreign = event(&source, "2");
                foreign[name] = json!(value);
                let problem = expect_json(403, batch(&caller, &json!([event(&source, "1"), foreign]))).await?;
                ensure!(problem["index"] == 1, "{problem}");
            }
            ensure!(kept(&caller, &source).await?.is_empty(), "a part of a refused batch is kept");
            let reader = stage.caller("reader", "events:read")?;
            ensure!(status(batch(&reader, &json!([]))).await? == 403, "without events:write");
            Ok(())
        })
        .await
}

/// Runs `watchgate events dead-letters …` as a person with these scopes would.
fn dead_letters(stage: &Stage, scopes: &str, arguments: &[&str]) -> Result<Output> {
    let folder = tempfile::tempdir()?;
    let token_file = folder.path().join("token");
    fs::write(&token_file, format!("{}\n", stage.mint("operator", scopes)?))?;
    let mut command = Command::new(artifacts::watchgate()?);
    command.args(["events", "dead-letters"]).args(arguments).env_clear();
    command.env("WATCHGATE_GATEWAY", stage.base_url()).env("WATCHGATE_TOKEN_FILE", &token_file);
    command.arg("--ca").arg(stage.ca());
    Ok(command.output()?)
}

/// The same, when it has to go well.
fn said(stage: &Stage, arguments: &[&str]) -> Result<String> {
    let output = dead_letters(stage, "dead-letters:read dead-letters:write", arguments)?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{arguments:?} ended with {}: {complaint}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test]
async fn what_does_not_fit_its_schema_is_listed_corrected_and_sent_again_by_the_command_line() -> Result<()> {
    STAGE
        .play(async |stage| {
            let (caller, source) = sender(stage, "console-dead")?;
            let mut hot = event(&source, "hot");
            hot["data"]["temperature_celsius"] = json!("61 °C");
            let problem = expect_json(422, sent(&caller, "application/cloudevents+json", &hot)).await?;
            ensure!(problem["errors"][0]["field"] == "/data/temperature_celsius", "{problem}");
            let id = problem["dead_letter"].as_str().context("no dead letter")?.to_owned();

            let listed = said(stage, &["list", "--principal", &source])?;
            ensure!(listed.contains(&id) && listed.contains(SENSORS), "{listed}");
            let listed: Value = serde_json::from_str(&said(stage, &["list", "--principal", &source, "--json"])?)?;
            ensure!(listed["dead_letters"][0]["id"] == id.as_str(), "{listed}");
            let shown: Value = serde_json::from_str(&said(stage, &["show", &id, "--json"])?)?;
            ensure!(shown["body"].as_str() == Some(&*hot.to_string()) && shown["reason"] == "schema", "{shown}");
            ensure!(said(stage, &["show", &id])?.contains("error: /data/temperature_celsius: "), "{shown}");

            let refused = dead_letters(stage, "dead-letters:write", &["replay", &id])?;
            let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
            ensure!(!refused.status.success() && complaint.contains("/data/temperature_celsius"), "{complaint}");

            let folder = tempfile::tempdir()?;
            let corrected = folder.path().join("corrected.json");
            fs::write(&corrected, event(&source, "hot").to_string())?;
            let corrected = corrected.to_str().context("the path is no text")?;
            let replayed = said(stage, &["replay", &id, "--with", corrected])?;
            ensure!(replayed.starts_with("event hot of "), "{replayed}");

            let stored = kept(&caller, &source).await?;
            ensure!(stored.len() == 1 && stored[0]["data"] == json!({"temperature_celsius": 61}), "{stored:?}");
            ensure!(stored[0]["authid"] == source, "it is not its sender's any more: {}", stored[0]);
            let told = expect_json(200, caller.get("/v1/events?type=dev.watchgate.event.replayed")).await?;
            let told = &told["events"][0]["event"];
            ensure!(told["authid"] == format!("{ISSUER}#operator") && told["data"]["id"] == id.as_str(), "{told}");
            ensure!(!said(stage, &["list", "--principal", &source])?.contains(&id), "it is still there");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_dead_letter_is_thrown_away_and_only_by_whoever_may() -> Result<()> {
    STAGE
        .play(async |stage| {
            let (caller, source) = sender(stage, "console-discard")?;
            let mut wrong = event(&source, "1");
            wrong["time"] = json!("noon");
            let problem = expect_json(400, sent(&caller, "application/cloudevents+json", &wrong)).await?;
            let id = problem["dead_letter"].as_str().context("no dead letter")?;
            for (scopes, arguments) in [
                ("events:read events:write", ["list", "--json"]),
                ("dead-letters:write", ["show", id]),
                ("dead-letters:read", ["discard", id]),
                ("dead-letters:read", ["replay", id]),
            ] {
                let output = dead_letters(stage, scopes, &arguments)?;
                let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
                ensure!(!output.status.success() && complaint.contains("403"), "{scopes} {arguments:?}: {complaint}");
            }
            ensure!(said(stage, &["discard", id])?.contains("discarded"), "not discarded");
            let again = dead_letters(stage, "dead-letters:write", &["discard", id])?;
            ensure!(String::from_utf8_lossy(&again.stderr).contains("404"), "{again:?}");
            Ok(())
        })
        .await
}
