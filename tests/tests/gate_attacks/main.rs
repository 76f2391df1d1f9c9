//! The gate against attackers: a table of requests and the status that each must get. Traefik's own defences are off,
//! so whatever is refused here was refused by the gate; the back end would have answered 200 to all of it.

#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a JSON value answers null for a member that it has not; header names are ASCII"
)]

mod forge;
mod rows;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::client::{expect_json, status};
use watchgate_tests::raw::RawAnswer;
use watchgate_tests::{BackEnd, SharedStage, StageOptions, shipped_gate};

use forge::{Forge, SECOND_ISSUER, second_issuer};
use rows::{Row, post};

static STAGE: SharedStage = SharedStage::new(gate_before_an_echo);

fn gate_before_an_echo() -> Result<StageOptions> {
    let jwks = &second_issuer()?.jwks;
    let mut gate = shipped_gate()?;
    let issuers = gate["issuers"].as_array_mut().context("the shipped gate names no issuers")?;
    issuers.push(json!({"issuer": SECOND_ISSUER, "audiences": ["watchgate"], "jwks": jwks, "leewaySeconds": 0}));
    // Each row shall fail by the check that it is about, not because the rows before it were bad tokens.
    gate["throttle"] = json!({"badTokensPerMinute": 0});
    let back_end = BackEnd::DropIn(EchoBackEnd::start("echo")?.url());
    Ok(StageOptions { back_end, gate: Some(gate), gate_alone: true, ..StageOptions::default() })
}

/// What holds for every refusal, whichever check made it.
fn judge(row: &Row, answer: &RawAnswer) -> Result<()> {
    ensure!(row.expected.contains(&answer.status), "answered {}, not {:?}", answer.status, row.expected);
    if answer.status == 200 {
        return Ok(());
    }
    ensure!(!answer.body.contains("back_end"), "the back end was reached");
    let challenge = answer.header("www-authenticate");
    if answer.status == 401 {
        let brought = row.request.headers.iter().any(|line| line.to_lowercase().starts_with("authorization:"));
        let invalid = challenge.is_some_and(|challenge| challenge.contains("invalid_token"));
        ensure!(
            challenge.is_some_and(|text| text.starts_with("Bearer realm=\"watchgate\"")),
            "challenge: {challenge:?}"
        );
        ensure!(!invalid || brought, "called invalid what was not there: {challenge:?}");
    }
    // Traefik's HTTP server refuses some requests before any middleware sees them, in words of its own.
    if answer.header("www-authenticate").is_some() || answer.status == 403 || answer.status == 503 {
        ensure!(answer.header("content-type") == Some("application/problem+json"), "no problem: {answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn every_attack_gets_its_status_and_never_reaches_the_back_end() -> Result<()> {
    STAGE
        .play(async |stage| {
            let forge = Forge::new(stage)?;
            let rows = rows::all(stage, &forge)?;
            ensure!(rows.len() > 100, "the table has shrunk to {} rows", rows.len());

            let mut wrong = Vec::new();
            for row in &rows {
                let judged = row.request.send(stage.https_port(), &stage.ca()).and_then(|answer| judge(row, &answer));
                if let Err(why) = judged {
                    wrong.push(format!("{}: {why:#}", row.name));
                }
            }
            if !wrong.is_empty() {
                bail!("{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
            }
            Ok(())
        })
        .await
}

/// What the gate says of a caller, and nobody else may.
const IDENTITY_HEADERS: [&str; 6] =
    ["x-auth-subject", "txn-token", "ce-authid", "ce-authtype", "ce-correlationid", "ce-subject"];

/// A name in every spelling that some back end takes for the same.
fn spellings(name: &str) -> [String; 7] {
    let title = name.split('-').map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..])).collect::<Vec<_>>();
    [
        name.to_owned(),
        name.replace('-', "_"),
        name.replacen('-', "_", 1),
        name.replace('-', "."),
        name.to_uppercase(),
        name.to_uppercase().replace('-', "_"),
        title.join("-"),
    ]
}

/// Each spelling twice: who removes only the first leaves the second.
fn spoofed(name: &str) -> Vec<(String, String)> {
    spellings(name)
        .into_iter()
        .flat_map(|name| [(name.clone(), "root".to_owned()), (name, "also-root".to_owned())])
        .collect()
}

/// What the back end received names the caller, once, and nobody else.
fn names_only_the_caller(received: &Value) -> Result<()> {
    let headers = received["headers"].as_array().context("no headers")?;
    for header in headers {
        ensure!(!header[1].as_str().is_some_and(|value| value.contains("root")), "the back end saw {header}");
    }
    let values = |name: &str| headers.iter().filter(|header| header[0] == name).collect::<Vec<_>>();
    for (name, expected) in [("x-auth-subject", "console-7"), ("ce-authid", "https://issuer.watchgate.test#console-7")]
    {
        let found = values(name);
        ensure!(found.len() == 1 && found[0][1] == expected, "{name}: {found:?}");
    }
    ensure!(values("txn-token").len() == 1, "no transaction token was forwarded, or two");
    ensure!(values("authorization").is_empty(), "the access token was forwarded beside the transaction token");
    Ok(())
}

#[tokio::test]
async fn identity_headers_of_a_client_never_arrive_however_spelled_or_repeated_over_http_1_2_and_3() -> Result<()> {
    STAGE
        .play(async |stage| {
            let token = stage.mint("console-7", "events:write")?;
            let http2 = stage.stranger()?.with_token(&token);
            let mut http3 = stage.http3().await?;
            for name in IDENTITY_HEADERS {
                let fields = spoofed(name);
                let mut request = post(&token);
                for (name, value) in &fields {
                    request = request.header(format!("{name}: {value}"));
                }
                let answer = request.send(stage.https_port(), &stage.ca())?;
                ensure!(answer.status == 200, "{name}, HTTP/1.1: answered {}", answer.status);
                names_only_the_caller(&serde_json::from_str(&answer.body)?)
                    .with_context(|| format!("{name}, HTTP/1.1"))?;

                let mut request = http2.post("/v1/events", &json!({}));
                for (name, value) in &fields {
                    request = request.header(name, value);
                }
                let answer = request.send().await?;
                ensure!(answer.version() == reqwest::Version::HTTP_2, "spoke {:?}", answer.version());
                names_only_the_caller(&answer.json().await?).with_context(|| format!("{name}, HTTP/2"))?;

                let answer = http3.post_with("/v1/events", &token, &fields, &json!({})).await?;
                names_only_the_caller(&serde_json::from_slice(&answer.body)?)
                    .with_context(|| format!("{name}, HTTP/3"))?;
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_client_cannot_have_the_gates_headers_dropped_as_hop_by_hop() -> Result<()> {
    STAGE
        .play(async |stage| {
            let good = stage.mint("console-7", "events:write")?;
            let answer = post(&good)
                .header("Connection: Txn-Token, ce-authid, X-Auth-Subject")
                .send(stage.https_port(), &stage.ca())?;
            let arrived = ["txn-token", "ce-authid", "x-auth-subject"].iter().all(|name| answer.body.contains(name));
            ensure!(answer.status == 400 || arrived, "answered {} with {}", answer.status, answer.body);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn anonymous_requests_carry_no_identity_at_all() -> Result<()> {
    STAGE
        .play(async |stage| {
            let request =
                stage.stranger()?.get("/healthz").header("X-Auth-Subject", "root").header("ce-authid", "root");
            let received = expect_json(200, request).await?;
            let headers = received["headers"].as_array().context("no headers")?;
            ensure!(!headers.iter().any(|header| header[1] == "root"), "the back end saw {headers:?}");
            ensure!(!headers.iter().any(|header| header[0] == "x-auth-subject"), "the back end saw {headers:?}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_token_that_passed_one_rule_is_held_against_the_next_one_too() -> Result<()> {
    STAGE
        .play(async |stage| {
            let caller = stage.caller("console-7", "events:write")?;
            // Often enough that every instance of the gate has let this token pass before.
            for _ in 0..20 {
                ensure!(status(caller.post("/v1/events", &json!({}))).await? == 200, "a good token was refused");
                ensure!(status(caller.get("/v1/events")).await? == 403, "a token that had passed read what it may not");
                ensure!(
                    status(caller.post("/v1/ask", &json!({}))).await? == 403,
                    "a token that had passed asked what it may not"
                );
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_token_that_passed_is_denied_from_the_second_of_its_expiry() -> Result<()> {
    STAGE
        .play(async |stage| {
            // The second issuer has no leeway, so that nobody waits for it.
            let exp = now()?.saturating_add(2);
            let token = Forge::new(stage)?.of_the_second(json!(exp))?;
            let caller = stage.stranger()?.with_token(&token);
            let mut passed = 0_u32;
            loop {
                let before = now()?;
                let answered = status(caller.post("/v1/events", &json!({}))).await?;
                if answered == 401 {
                    break;
                }
                ensure!(before < exp, "passed {} s after its expiry", before.abs_diff(exp));
                passed = passed.saturating_add(1);
            }
            ensure!(now()? >= exp, "refused before its expiry");
            ensure!(passed > 5, "passed only {passed} times before");
            Ok(())
        })
        .await
}

fn now() -> Result<u64> {
    Ok(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs())
}
