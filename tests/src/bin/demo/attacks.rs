//! The same post, by those who may not: each is refused with its status, and nothing of it is stored.

use std::error::Error;
use std::io;

use anyhow::{Context, Result, ensure};
use rustls::AlertDescription;
use serde_json::json;
use watchgate_tests::client::{Caller, builder, expect_json, plain, status};
use watchgate_tests::installation::Service;
use watchgate_tests::{Installation, forgery};

use crate::checks::Checks;

pub(crate) async fn play(checks: &mut Checks, installation: &Installation) -> Result<()> {
    checks.chapter("The same post by those who may not");
    let reader = installation.caller("ana", "events:read")?;
    let stranger = installation.stranger()?;
    let good = installation.mint("console-7", "events:write")?;
    let before = newest(&reader).await?;

    let expired = installation.token("console-7").scope("events:write").ttl_seconds(-60).mint()?;
    let elsewhere = installation.token("console-7").scope("events:write").audience("billing").mint()?;
    let unscoped = installation.mint("console-7", "assistant:ask")?;
    refused(checks, "without a token: 401", &stranger, 401).await;
    refused(checks, "with an expired token: 401", &stranger.with_token(&expired), 401).await;
    refused(checks, "with a token for another audience: 401", &stranger.with_token(&elsewhere), 401).await;
    let tampered = forgery::tampered(&good, "sub", json!("root"))?;
    refused(checks, "with a tampered token: 401", &stranger.with_token(&tampered), 401).await;
    let unsigned = forgery::unsigned(&good, "none")?;
    refused(checks, "with a token signed with `none`: 401", &stranger.with_token(&unsigned), 401).await;
    let secrets = forgery::public_key_secrets(&std::fs::read(installation.public_keys())?)?;
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

    past_the_gate(checks, installation, &good).await;
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

async fn past_the_gate(checks: &mut Checks, installation: &Installation, token: &str) {
    const WHAT: &str = "straight to the service, past the gate";
    match &installation.site().service {
        None => checks.leave_out(1, WHAT, "the service's own address was not told (--service)"),
        Some(Service { url, ca: None }) => {
            checks
                .check(&format!("{WHAT}: 401"), async || {
                    let caller = Caller::new(plain()?, url, Some(token.to_owned()));
                    let answered = status(caller.post("/v1/events", &json!({}))).await?;
                    ensure!(answered == 401, "answered {answered}");
                    Ok(())
                })
                .await;
        }
        Some(Service { url, ca: Some(ca) }) => {
            checks
                .check(&format!("{WHAT}: refused in the handshake, for want of a certificate"), async || {
                    // Whatever its certificate names: that it is the service's is what its authority says.
                    let client = builder(ca)?.tls_danger_accept_invalid_hostnames(true).build()?;
                    let caller = Caller::new(client, url, Some(token.to_owned()));
                    let refused = caller.post("/v1/events", &json!({})).send().await;
                    let error = refused.err().context("it answered")?;
                    ensure!(wants_a_certificate(&error), "it failed otherwise: {error:?}");
                    Ok(())
                })
                .await;
        }
    }
}

/// Whether that is what the other side said, and not that it could not be reached or believed.
fn wants_a_certificate(error: &(dyn Error + 'static)) -> bool {
    let wanted = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if inside.and_then(|inside| inside.downcast_ref::<rustls::Error>()) == Some(&wanted) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Of those that such a post would be: others come meanwhile, a keeper makes some of denials.
async fn newest(reader: &Caller) -> Result<u64> {
    let page = expect_json(200, reader.get("/v1/events?order=desc&limit=1&type=dev.watchgate.telemetry")).await?;
    page.pointer("/events/0/position").and_then(serde_json::Value::as_u64).context("no event is stored")
}
