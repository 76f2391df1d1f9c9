//! Commands through the real gate: who may ask, who may approve, who may carry out, and what an old lease is worth.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use watchgate_tests::client::{Caller, expect_json, status};
use watchgate_tests::wait::until;
use watchgate_tests::{SharedStage, Stage, StageOptions, artifacts};

/// For tests that carry commands out: they take every command there is, so only one of them uses a stage.
static LEASING: SharedStage = SharedStage::new(|| Ok(StageOptions::default()));
static STAGE: SharedStage = SharedStage::new(|| Ok(StageOptions::default()));

const LEASE: &str = "/v1/services/sample-service/commands:lease";

struct People {
    ana: Caller,
    ben: Caller,
    service: Caller,
}

fn people(stage: &Stage) -> Result<People> {
    Ok(People {
        ana: stage.caller("ana", "commands:request commands:approve events:read")?,
        ben: stage.caller("ben", "commands:approve")?,
        service: stage.caller("sample-service", "commands:lease")?,
    })
}

fn restart() -> Value {
    json!({"runbook": "restart-worker", "parameters": {"worker": "mailer"}, "reason": "the queue grows"})
}

fn approve(command: &Value) -> Value {
    json!({"decision": "approve", "digest": command["digest"]})
}

fn path(command: &Value, action: &str) -> String {
    format!("/v1/commands/{}{action}", command["id"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_command_is_asked_for_approved_leased_and_carried_out() -> Result<()> {
    LEASING
        .play(async |stage| {
            let People { ana, ben, service } = people(stage)?;
            let idle = Instant::now();
            let request = service.post(LEASE, &json!({"wait_seconds": 1}));
            ensure!(status(request).await? == 204, "something was leased before anything was asked for");
            ensure!(idle.elapsed() > Duration::from_millis(900), "the lease did not wait");

            let command = expect_json(201, ana.post("/v1/commands", &restart())).await?;
            ensure!(command["state"] == "pending" && command["approval"]["needed"] == true, "{command}");
            let request = service.post(LEASE, &json!({"wait_seconds": 0}));
            ensure!(status(request).await? == 204, "a command was leased before its approval");

            // The service waits already when the approval comes.
            let waiting = expect_json(200, service.post(LEASE, &json!({"wait_seconds": 20})));
            let approving = expect_json(200, ben.post(&path(&command, "/approval"), &approve(&command)));
            let (leased, _) = tokio::try_join!(waiting, approving)?;
            ensure!(leased["command"]["id"] == command["id"], "leased {leased}");
            ensure!(leased["command"]["parameters"] == json!({"worker": "mailer"}), "leased {leased}");
            let fence = leased["fence"].as_u64().context("no fence")?;

            let beat = json!({"fence": fence, "progress": {"percent": 50, "line": "stopping"}});
            ensure!(
                status(service.post(&path(&command, "/heartbeat"), &beat)).await? < 300,
                "the heartbeat was refused"
            );
            let running = expect_json(200, ana.get(&path(&command, ""))).await?;
            ensure!(running["state"] == "running" && running["progress"]["percent"] == 50, "{running}");

            let old = json!({"fence": fence.saturating_sub(1), "outcome": "succeeded", "result": {}});
            ensure!(status(service.post(&path(&command, "/result"), &old)).await? == 409, "an old fence was taken");
            let result = json!({"fence": fence, "outcome": "succeeded", "result": {"new_pid": 7}});
            ensure!(status(service.post(&path(&command, "/result"), &result)).await? < 300, "the result was refused");
            let done = expect_json(200, ana.get(&path(&command, ""))).await?;
            ensure!(done["state"] == "succeeded" && done["result"].to_string().contains("\"new_pid\":7"), "{done}");
            ensure!(
                status(service.post(&path(&command, "/heartbeat"), &beat)).await? == 409,
                "a beat after the end was taken"
            );

            let id = command["id"].as_str().unwrap_or_default();
            let trail = expect_json(200, ana.get("/v1/events").query(&[("subject", id)])).await?.to_string();
            for state in ["requested", "scheduled", "leased", "running", "succeeded"] {
                ensure!(trail.contains(&format!("dev.watchgate.command.{state}")), "no event tells of `{state}`");
            }
            // The same again with real microservices, after the test has given up its place.
            carried_out_by(stage, "sample-service", &mut Command::new(artifacts::sample_service()?)).await?;
            let mut python = Command::new("python3");
            python.arg(artifacts::root().join("examples/python-agent/agent.py"));
            carried_out_by(stage, "python-agent", &mut python).await
        })
        .await
}

async fn carried_out_by(stage: &Stage, name: &str, program: &mut Command) -> Result<()> {
    let People { ana, ben, .. } = people(stage)?;
    program
        .env("WATCHGATE_URL", stage.base_url())
        .env("WATCHGATE_CA", stage.ca())
        .env("WATCHGATE_TOKEN", stage.mint("sample-service", "commands:lease events:write")?);
    let service = stage.companion(name, program)?;
    let command = expect_json(201, ana.post("/v1/commands", &restart())).await?;
    expect_json(200, ben.post(&path(&command, "/approval"), &approve(&command))).await?;
    let done = until("the command ends", Duration::from_secs(60), async || {
        let now = expect_json(200, ana.get(&path(&command, ""))).await?;
        Ok(matches!(now["state"].as_str(), Some("succeeded" | "failed" | "timeout")).then_some(now))
    })
    .await
    .with_context(|| service.log())?;
    ensure!(done["state"] == "succeeded", "{name}: {done}\n{}", service.log());
    Ok(())
}

#[tokio::test]
async fn nobody_approves_a_command_that_they_asked_for() -> Result<()> {
    STAGE
        .play(async |stage| {
            let People { ana, ben, .. } = people(stage)?;
            let command = expect_json(201, ana.post("/v1/commands", &restart())).await?;
            let answered = status(ana.post(&path(&command, "/approval"), &approve(&command))).await?;
            ensure!(answered == 403, "answered {answered}");
            let unscoped = stage.caller("carl", "commands:request")?;
            let answered = status(unscoped.post(&path(&command, "/approval"), &approve(&command))).await?;
            ensure!(answered == 403, "without the scope: answered {answered}");
            let state = expect_json(200, ben.get(&path(&command, ""))).await?;
            ensure!(state["state"] == "pending", "{state}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn an_approval_counts_once_and_only_for_what_was_seen() -> Result<()> {
    STAGE
        .play(async |stage| {
            let People { ana, ben, .. } = people(stage)?;
            let command = expect_json(201, ana.post("/v1/commands", &restart())).await?;
            let other = json!({"decision": "approve", "digest": "0".repeat(64)});
            let answered = status(ben.post(&path(&command, "/approval"), &other)).await?;
            ensure!((400..500).contains(&answered), "another digest was answered {answered}");
            let reject = json!({"decision": "reject", "digest": command["digest"], "comment": "not now"});
            let rejected = expect_json(200, ben.post(&path(&command, "/approval"), &reject)).await?;
            ensure!(rejected["state"] == "rejected", "{rejected}");
            let answered = status(ben.post(&path(&command, "/approval"), &approve(&command))).await?;
            ensure!((400..500).contains(&answered), "a second decision was answered {answered}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_command_can_be_canceled_while_it_waits() -> Result<()> {
    STAGE
        .play(async |stage| {
            let People { ana, ben, .. } = people(stage)?;
            let command = expect_json(201, ana.post("/v1/commands", &restart())).await?;
            let canceled = expect_json(200, ana.post(&path(&command, "/cancel"), &json!({}))).await?;
            ensure!(canceled["state"] == "canceled", "{canceled}");
            let answered = status(ben.post(&path(&command, "/approval"), &approve(&command))).await?;
            ensure!((400..500).contains(&answered), "an approval of a canceled command was answered {answered}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn commands_outside_the_catalogue_are_refused() -> Result<()> {
    STAGE
        .play(async |stage| {
            let People { ana, .. } = people(stage)?;
            let rows = [
                ("an unknown runbook", json!({"runbook": "rm-rf", "parameters": {}, "reason": "x"}), vec![400, 404, 422]),
                ("a path as runbook", json!({"runbook": "../restart-worker", "parameters": {}, "reason": "x"}), vec![400, 404, 422]),
                ("a missing parameter", json!({"runbook": "restart-worker", "parameters": {}, "reason": "x"}), vec![400, 422]),
                ("a worker that is none", json!({"runbook": "restart-worker", "parameters": {"worker": "init"}, "reason": "x"}), vec![400, 422]),
                ("one parameter too many", json!({"runbook": "restart-worker", "parameters": {"worker": "mailer", "command": "sh"}, "reason": "x"}), vec![400, 422]),
                ("no object", json!(7), vec![400, 422]),
            ];
            for (name, body, expected) in rows {
                let answered = status(ana.post("/v1/commands", &body)).await?;
                ensure!(expected.contains(&answered), "{name} was answered {answered}");
            }
            let reader = stage.caller("carl", "runbooks:read")?;
            ensure!(status(reader.post("/v1/commands", &restart())).await? == 403, "asked for without the scope");
            ensure!(status(reader.get("/v1/runbooks/restart-worker")).await? == 200, "the runbook cannot be read");
            ensure!(status(reader.get("/v1/runbooks/unknown")).await? == 404, "an unknown runbook was found");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn only_the_service_itself_leases_its_commands() -> Result<()> {
    STAGE
        .play(async |stage| {
            let other = stage.caller("other-service", "commands:lease")?;
            let answered = status(other.post(LEASE, &json!({"wait_seconds": 0}))).await?;
            ensure!(answered == 403, "another service was answered {answered}");
            let unscoped = stage.caller("sample-service", "events:write")?;
            let answered = status(unscoped.post(LEASE, &json!({"wait_seconds": 0}))).await?;
            ensure!(answered == 403, "without the scope: answered {answered}");
            Ok(())
        })
        .await
}
