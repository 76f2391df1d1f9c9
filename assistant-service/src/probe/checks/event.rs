//! An event comes in and is found. It tells of the round before, so that one event is both.

use std::time::Duration;

use anyhow::{bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::super::deliver::CLOUD_EVENT;
use super::super::gateway::plain;
use super::super::notice::written;
use super::super::walk::{Identity, Walk};
use crate::clock::millis;

/// The report of a round.
const ROUND: &str = "dev.watchgate.probe.round";

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Sends the report of the round before, and finds it.
pub(in crate::probe) async fn check(walk: &Walk<'_>, identity: &Identity, last: &Value) -> anyhow::Result<String> {
    let id = Uuid::now_v7().to_string();
    let event = json!({
        "specversion": "1.0",
        "id": id,
        "source": identity.principal,
        "type": ROUND,
        "subject": id,
        "time": written(millis(walk.clock.now())),
        "datacontenttype": "application/json",
        "data": last,
    });
    send(walk, identity, &event).await?;
    let sent = Instant::now();
    let found = find(walk, identity, ROUND, &id).await?;
    let took = sent.elapsed().as_millis();
    let whose = found.get("authid").and_then(Value::as_str);
    let other = || whose.map_or_else(|| "nobody".to_owned(), plain);
    ensure!(whose == Some(&identity.principal), "it came in as somebody else's: {}", other());
    ensure!(found.get("id").and_then(Value::as_str) == Some(&id), "another event was found in its place");
    Ok(format!("found after {took} ms"))
}

/// Sends one event in structured mode. One that is known already is as good.
pub(in crate::probe) async fn send(walk: &Walk<'_>, identity: &Identity, event: &Value) -> anyhow::Result<()> {
    let call = walk.gateway.call(Method::POST, "/v1/events").bearer(&identity.token.text);
    call.body(CLOUD_EVENT, event.to_string().into_bytes()).expect(202).await?;
    Ok(())
}

/// The one event of this type and subject, as soon as it can be found.
pub(in crate::probe) async fn find(
    walk: &Walk<'_>,
    identity: &Identity,
    event_type: &str,
    subject: &str,
) -> anyhow::Result<Value> {
    let path = format!("/v1/events?type={event_type}&subject={subject}&limit=1");
    let begun = Instant::now();
    loop {
        let page = walk.gateway.get(path.as_str()).bearer(&identity.token.text).expect(200).await?.json()?;
        if let Some(event) = page.pointer("/events/0/event") {
            return Ok(event.clone());
        }
        if begun.elapsed() > walk.settings.event.within {
            bail!("the event was taken, and not found within {} s", walk.settings.event.within.as_secs());
        }
        sleep(LOOK_EVERY).await;
    }
}
