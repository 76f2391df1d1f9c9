//! The same post, by those who may not: each is refused with its status, and nothing of it is stored.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use watchgate_tests::client::{Caller, expect_json, plain, status};
use watchgate_tests::{Stage, forgery};

use crate::checks::Checks;

pub(crate) async fn play(checks: &mut Checks, stage: &Stage) -> Result<()> {
    checks.chapter("The same post by those who may not");
    let reader = stage.caller("ana", "events:read")?;
    let stranger = stage.stranger()?;
    let good = stage.mint("console-7", "events:write")?;
    let before = newest(&reader).await?;

    let expired = stage.token("console-7").scope("events:write").ttl_seconds(-60).mint()?;
    let elsewhere = stage.token("console-7").scope("events:write").audience("billing").mint()?;
    let unscoped = stage.mint("console-7", "assistant:ask")?;
    refused(checks, "without a token: 401", &stranger, 401).await;
    refused(checks, "with an expired token: 401", &stranger.with_token(&expired), 401).await;
    refused(checks, "with a token for another audience: 401", &stranger.with_token(&elsewhere), 401).await;
    let tampered = forgery::tampered(&good, "sub", json!("root"))?;
    refused(checks, "with a tampered token: 401", &stranger.with_token(&tampered), 401).await;
    let unsigned = forgery::unsigned(&good, "none")?;
    refused(checks, "with a token signed with `none`: 401", &stranger.with_token(&unsigned), 401).await;
    let secrets = forgery::public_key_secrets(&std::fs::read(stage.keys().join("trust/jwks/dev.json"))?)?;
    checks
        .check("with an HMAC made from the public key, in every form it has: 401", async || {
            for secret in &secrets {
                let forged = stranger.with_token(&forgery::hmac_signed(&good, secret)?);
                let answered = status(forged.post("/v1/events", &json!({}))).await?;
                ensure!(answered == 401, "answered {answered}");
            }
            Ok(())
        })
        .await;
    refused(checks, "with a token that lacks the scope: 403", &stranger.with_token(&unscoped), 403).await;

    checks
        .check("straight to the service, past the gate: 401", async || {
            let caller = Caller::new(plain()?, stage.service_url(), Some(good.clone()));
            let answered = status(caller.post("/v1/events", &json!({}))).await?;
            ensure!(answered == 401, "answered {answered}");
            Ok(())
        })
        .await;
    checks
        .check("nothing of all this was stored", async || {
            let after = newest(&reader).await?;
            ensure!(after == before, "the newest position was {before} and is {after}");
            Ok(())
        })
        .await;
    Ok(())
}

async fn refused(checks: &mut Checks, what: &str, caller: &Caller, expected: u16) {
    checks
        .check(what, async || {
            let problem = expect_json(expected, caller.post("/v1/events", &json!({"temperature_celsius": 0}))).await?;
            ensure!(problem["status"] == expected, "the body is no problem: {problem}");
            Ok(())
        })
        .await;
}

async fn newest(reader: &Caller) -> Result<u64> {
    let page = expect_json(200, reader.get("/v1/events?order=desc&limit=1")).await?;
    page.pointer("/events/0/position").and_then(serde_json::Value::as_u64).context("no event is stored")
}
