//! A command is asked for, leased and carried out; by the probe itself where it is the canary.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};
use service_agent::{Agent, Command, Outcome, Progress, TokenSource};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout_at};

use super::super::gateway::{plain, text};
use super::super::settings::{CanarySettings, CommandSettings};
use super::super::walk::{Identity, Walk};

const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What is under way when the check ends is done at once, or dropped.
const END_WITHIN: Duration = Duration::from_secs(1);

/// Called off where it is not followed to its end, so that no heap of commands grows that nobody carries out.
pub(in crate::probe) async fn check(
    walk: &Walk<'_>,
    identity: &Identity,
    settings: &CommandSettings,
) -> anyhow::Result<String> {
    let deadline = settings.pace.deadline();
    let ended = async {
        let asked = json!({"runbook": settings.runbook, "parameters": settings.parameters, "reason": "a live check"});
        let call = walk.gateway.post("/v1/commands", &asked).bearer(&identity.token.text);
        let command = call.expect(201).await?.json()?;
        let id = text(&command, "/id")?.to_owned();
        let mut seen = "unknown".to_owned();
        let followed = timeout_at(deadline, follow(walk, identity, &id, &mut seen)).await;
        if !matches!(followed, Ok(Ok(_))) {
            let why = json!({"reason": "the live check has given it up"});
            let call = walk.gateway.post(format!("/v1/commands/{id}/cancel"), &why).bearer(&identity.token.text);
            // One that has ended stays as it is. Whether or not this is heard, the check has failed; a command that nobody begins ends after
            // an hour.
            let _ = call.send().await;
        }
        followed.map_err(|_| anyhow!("it did not end in time; it was {seen}"))?
    };
    match &settings.canary {
        Some(canary) => beside_agent(walk, canary, deadline, ended).await,
        None => ended.await,
    }
}

/// Leases commands as the canary for as long as `check` takes.
async fn beside_agent(
    walk: &Walk<'_>,
    canary: &CanarySettings,
    deadline: Instant,
    check: impl Future<Output = anyhow::Result<String>>,
) -> anyhow::Result<String> {
    let now = walk.clock.now().unix_timestamp();
    // A command that is asked for later than this could not be called off in time.
    let token = timeout_at(deadline, canary.token.obtain(now)).await.context("no answer in time").flatten();
    let token = token.context("the canary has no token")?;
    let authority = match &walk.settings.reach.ca_file {
        Some(file) => Some(tokio::fs::read(file).await.with_context(|| format!("{} cannot be read", file.display()))?),
        None => None,
    };
    let token = TokenSource::Fixed(token.text.to_string());
    let address = walk.settings.gateway.as_str();
    let gateway =
        service_agent::Gateway::connect(address, token, authority.as_deref()).context("the canary cannot call")?;
    let agent = Agent::new(gateway, canary.service.as_str()).with_dry_run().end_within(END_WITHIN);
    let (over, is_over) = oneshot::channel::<()>();
    let until_over = async move {
        let _ = is_over.await;
    };
    let checked = async move {
        let checked = check.await;
        // Gone only when the agent is, which then needs no word.
        let _ = over.send(());
        checked
    };
    let (checked, ()) = tokio::join!(checked, agent.run(carry_out, until_over));
    checked
}

async fn carry_out(command: Command, _: Progress) -> Outcome {
    Outcome::Succeeded(json!({"canary": "alive", "attempt": command.attempt}))
}

/// Until it has ended; `seen` is the last of its states.
async fn follow(walk: &Walk<'_>, identity: &Identity, id: &str, seen: &mut String) -> anyhow::Result<String> {
    loop {
        let (state, command) = state(walk, identity, id).await?;
        *seen = plain(&state);
        match state.as_str() {
            "succeeded" => return Ok(carried_out(&command)),
            "pending" => bail!("the runbook waits for an approval: name one that needs none"),
            "failed" | "timeout" | "canceled" | "rejected" | "expired" | "abandoned" => {
                let why = command.get("message").and_then(Value::as_str).unwrap_or_default();
                bail!("it ended as {state}: {}", plain(why))
            }
            _ => sleep(LOOK_EVERY).await,
        }
    }
}

async fn state(walk: &Walk<'_>, identity: &Identity, id: &str) -> anyhow::Result<(String, Value)> {
    let call = walk.gateway.get(format!("/v1/commands/{id}")).bearer(&identity.token.text);
    let command = call.expect(200).await?.json()?;
    Ok((text(&command, "/state")?.to_owned(), command))
}

fn carried_out(command: &Value) -> String {
    let service = command.pointer("/target/service").and_then(Value::as_str).unwrap_or("a service");
    format!("carried out by {}", plain(service))
}
