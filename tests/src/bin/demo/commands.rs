//! The proposed runbook becomes a command: asked for by one, approved by another, carried out by the service it is for.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use watchgate_tests::client::{Caller, expect_json, status};
use watchgate_tests::wait::until;
use watchgate_tests::{Companion, Installation, artifacts, forgery};

use crate::checks::Checks;

pub(crate) async fn play(checks: &mut Checks, installation: &Installation, proposal: Option<Value>) -> Result<()> {
    checks.chapter("The proposed runbook is carried out");
    let ana = installation.caller("ana", "commands:request commands:approve events:read")?;
    let ben = installation.caller("ben", "commands:approve")?;
    let Some(command) = request(checks, &ana, proposal).await else { return Ok(()) };
    let id = command["id"].as_str().context("the command has no id")?.to_owned();
    let approval = format!("/v1/commands/{id}/approval");
    let decision = json!({"decision": "approve", "digest": command["digest"], "comment": "seen, go ahead"});

    checks
        .check("whoever asked may not approve it: 403", async || {
            let answered = status(ana.post(&approval, &decision)).await?;
            ensure!(answered == 403, "answered {answered}");
            Ok(())
        })
        .await;
    checks
        .check("an approval of something else than what was asked for is refused", async || {
            let other = json!({"decision": "approve", "digest": "0".repeat(64)});
            let answered = status(ben.post(&approval, &other)).await?;
            ensure!((400..500).contains(&answered), "answered {answered}");
            Ok(())
        })
        .await;
    checks
        .check("somebody else approves it", async || {
            let approved = expect_json(200, ben.post(&approval, &decision)).await?;
            ensure!(approved["state"] == "scheduled", "its state is {}", approved["state"]);
            Ok(())
        })
        .await;

    let _sample_service = start_sample_service(installation)?;
    let done = checks
        .check("the sample service leases it through the gateway, restarts its worker and reports", async || {
            let done = ended(&ana, &id).await?;
            ensure!(done["state"] == "succeeded", "it ended {}: {done}", done["state"]);
            println!("      {}", done["result"]["result"]);
            Ok(done)
        })
        .await;
    if done.is_some() {
        checks.check("its trail of events tells the whole story", async || trail(&ana, &id).await).await;
    }
    Ok(())
}

async fn request(checks: &mut Checks, ana: &Caller, proposal: Option<Value>) -> Option<Value> {
    let proposal = proposal.unwrap_or_else(|| json!({"runbook": "restart-worker", "parameters": {}}));
    let mut parameters = proposal["parameters"].clone();
    // The question names the worker; whether the assistant takes it from there is its business.
    forgery::set(&mut parameters, "worker", json!("mailer"));
    let body = json!({"runbook": proposal["runbook"], "parameters": parameters, "reason": "the queue grows"});
    checks
        .check("it is asked for, and waits for an approval", async || {
            let command = expect_json(201, ana.post("/v1/commands", &body)).await?;
            ensure!(command["state"] == "pending", "its state is {}", command["state"]);
            Ok(command)
        })
        .await
}

/// The microservice that the command is for, with nothing but a token and the gateway's address.
fn start_sample_service(installation: &Installation) -> Result<Companion> {
    let mut command = Command::new(artifacts::sample_service()?);
    command
        .env("WATCHGATE_URL", installation.base_url())
        .env("WATCHGATE_CA", installation.ca())
        .env("WATCHGATE_TOKEN", installation.mint("sample-service", "commands:lease events:write")?);
    installation.companion("sample-service", &mut command)
}

async fn ended(ana: &Caller, id: &str) -> Result<Value> {
    until("the command ends", Duration::from_secs(60), async || {
        let command = expect_json(200, ana.get(&format!("/v1/commands/{id}"))).await?;
        let state = command["state"].as_str().unwrap_or_default();
        Ok(matches!(state, "succeeded" | "failed" | "timeout" | "abandoned").then_some(command))
    })
    .await
}

async fn trail(ana: &Caller, id: &str) -> Result<()> {
    let page = expect_json(200, ana.get(&format!("/v1/events?subject={id}&type=dev.watchgate.command.*"))).await?;
    let events = page["events"].as_array().context("no events")?;
    let states: Vec<&str> = events
        .iter()
        .filter_map(|event| event.pointer("/event/type")?.as_str()?.strip_prefix("dev.watchgate.command."))
        .collect();
    println!("      {}", states.join(" → "));
    let mut rest = states.iter();
    for wanted in ["requested", "scheduled", "leased", "running", "succeeded"] {
        if !rest.any(|state| *state == wanted) {
            bail!("no `{wanted}` at its place in {states:?}");
        }
    }
    ensure!(
        events.iter().all(|event| event.pointer("/event/correlationid").and_then(Value::as_str) == Some(id)),
        "not every event carries the command's id as its correlationid"
    );
    Ok(())
}
