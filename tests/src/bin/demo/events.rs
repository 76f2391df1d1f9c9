//! A device reports telemetry, with a valid token; the event is stored and says who sent it.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use watchgate_tests::Installation;
use watchgate_tests::client::{Caller, expect_json};
use watchgate_tests::random;

use crate::checks::Checks;

const PRINCIPAL: &str = "https://issuer.watchgate.test#console-7";

pub(crate) async fn play(checks: &mut Checks, installation: &Installation) -> Result<()> {
    checks.chapter("A device reports telemetry");
    let device = installation.caller("console-7", "events:write")?;
    let reader = installation.caller("ana", "events:read")?;

    let reading = json!({"temperature_celsius": 61.5, "frames_per_second": 59});
    let accepted = checks
        .check("a plain JSON post with a valid token is accepted: 202", async || {
            expect_json(202, device.post("/v1/events", &reading)).await
        })
        .await;
    if let Some(accepted) = accepted {
        checks
            .check("it is stored as an event, tagged with its type and with who sent it", async || {
                let event = stored(&reader, &accepted).await?;
                ensure!(event["type"] == "dev.watchgate.telemetry", "its type is {}", event["type"]);
                ensure!(event["authid"] == PRINCIPAL, "its authid is {}", event["authid"]);
                ensure!(event["data"] == reading, "its data is {}", event["data"]);
                ensure!(event["traceparent"].is_string(), "it has no traceparent");
                Ok(())
            })
            .await;
    }

    // An installation may have seen a demo before.
    let id = format!("crash-{}", random::text());
    let cloud_event = || {
        device
            .post("/v1/events", &json!({"crashed": "shader cache"}))
            .header("ce-specversion", "1.0")
            .header("ce-id", &id)
            .header("ce-type", "com.example.telemetry.crash")
            .header("ce-source", format!("{PRINCIPAL}/unit-a"))
            .header("ce-time", "2026-01-02T03:04:05Z")
    };
    checks
        .check("a CloudEvent keeps the id, type, source and time that its sender gave it", async || {
            let accepted = expect_json(202, cloud_event()).await?;
            let event = stored(&reader, &accepted).await?;
            ensure!(event["id"] == id && event["type"] == "com.example.telemetry.crash", "stored: {event}");
            ensure!(event["source"] == format!("{PRINCIPAL}/unit-a"), "its source is {}", event["source"]);
            ensure!(event["authid"] == PRINCIPAL, "its authid is {}", event["authid"]);
            Ok(())
        })
        .await;
    checks
        .check("sent a second time it is known, and stored once", async || {
            let again = expect_json(202, cloud_event()).await?;
            ensure!(again["duplicate"] == true, "answered {again}");
            Ok(())
        })
        .await;
    checks
        .check("an event in another device's name is refused: 403", async || {
            let mut spoofed = cloud_event().build()?;
            spoofed.headers_mut().insert("ce-source", "https://issuer.watchgate.test#console-8".parse()?);
            spoofed.headers_mut().insert("ce-id", format!("other-{id}").parse()?);
            let answer = installation.client()?.execute(spoofed).await?;
            ensure!(answer.status().as_u16() == 403, "answered {}", answer.status());
            Ok(())
        })
        .await;
    Ok(())
}

/// Reads back the event at the position that the service answered.
async fn stored(reader: &Caller, accepted: &Value) -> Result<Value> {
    let position = accepted["position"].as_u64().context("the answer names no position")?;
    let page =
        expect_json(200, reader.get(&format!("/v1/events?after={}&limit=1", position.saturating_sub(1)))).await?;
    let event = page.pointer("/events/0/event").context("no event stands at the position")?;
    ensure!(event["id"] == accepted["id"], "another event stands there: {event}");
    Ok(event.clone())
}
