//! What is open already when a token is revoked: a gate never sees a stream again once it is open, so the service ends it.
//! Through the real Traefik; nobody tells the gate of anything here.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;
use watchgate_tests::client::{Caller, status};
use watchgate_tests::wait::until;
use watchgate_tests::{Stage, StageOptions};

const ISSUER: &str = "https://issuer.watchgate.test";

/// What the product promises, from the request until the stream's end at the client.
const AT_ONCE: Duration = Duration::from_secs(1);

const PATIENCE: Duration = Duration::from_secs(20);

type Form<'a> = Vec<(&'a str, &'a str)>;

/// An open tail, which has shown that it is one.
struct Tail(Response);

impl Tail {
    async fn open(caller: &Caller) -> Result<Tail> {
        let answer = caller.get("/v1/events").header("accept", "text/event-stream").send().await?;
        ensure!(answer.status() == 200, "a tail was answered {}", answer.status());
        Ok(Tail(answer))
    }

    /// Reads until the stream ends, whatever comes on it.
    async fn end(mut self) -> Result<Instant> {
        loop {
            match timeout(PATIENCE, self.0.chunk()).await.context("the stream does not end")? {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(Instant::now()),
                Err(error) => bail!("the stream broke off instead of ending: {error}"),
            }
        }
    }

    /// Whether an event comes on it.
    async fn goes_on(&mut self) -> Result<bool> {
        Ok(timeout(PATIENCE, self.0.chunk()).await.context("nothing comes")??.is_some())
    }
}

async fn revoke(operator: &Caller, form: &[(&str, &str)]) -> Result<()> {
    let answer = operator.request(Method::POST, "/v1/revocations").form(form).send().await?;
    ensure!(answer.status() == 200, "{form:?} was answered {}: {}", answer.status(), answer.text().await?);
    Ok(())
}

fn claims(stage: &Stage, subject: &str, claims: &[(&str, Value)]) -> Result<Caller> {
    let token = stage.token(subject).scope("events:read events:write commands:lease");
    let token = claims.iter().fold(token, |token, (name, value)| token.claim(name, &value.to_string()));
    Ok(Caller::new(stage.client()?, &stage.base_url(), Some(token.mint()?)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_streams_of_a_revoked_token_end_within_a_second_and_those_of_others_do_not() -> Result<()> {
    let stage = Stage::start(StageOptions::default()).await?;
    stage
        .play(async |stage| {
            let operator = stage.caller("operator", "revocations:write")?;
            let by_token = claims(stage, "ana", &[])?;
            let token = by_token.token().context("no token")?.to_owned();
            let rows: [(&str, Caller, Form<'_>); 4] = [
                ("token", by_token, vec![("token", &token)]),
                ("jti", claims(stage, "ben", &[("jti", json!("t-1"))])?, vec![("iss", ISSUER), ("jti", "t-1")]),
                ("sid", claims(stage, "cid", &[("sid", json!("s-1"))])?, vec![("iss", ISSUER), ("sid", "s-1")]),
                ("sub", claims(stage, "dan", &[])?, vec![("iss", ISSUER), ("sub", "dan")]),
            ];
            let bystander = claims(stage, "eve", &[("sid", json!("s-2"))])?;
            let mut other = Tail::open(&bystander).await?;
            for (form, caller, revocation) in rows {
                let tails = [Tail::open(&caller).await?, Tail::open(&caller).await?];
                let begun = Instant::now();
                revoke(&operator, &revocation).await?;
                let answered = begun.elapsed();
                for tail in tails {
                    let took = tail.end().await?.duration_since(begun);
                    println!("{form}: answered after {answered:?}, the stream ended after {took:?}");
                    ensure!(took < AT_ONCE, "{form}: the stream ended only after {took:?}");
                }
                // No gate has heard of it; the service does not take the next request either.
                ensure!(status(caller.get("/v1/events")).await? == 401, "{form}: the token is taken again");
            }
            ensure!(other.goes_on().await?, "the stream of another token has ended");
            ensure!(status(bystander.get("/v1/events")).await? == 200, "another token was revoked as well");
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_waits_for_a_command_is_sent_away_when_its_token_is_revoked() -> Result<()> {
    let stage = Stage::start(StageOptions::default()).await?;
    stage
        .play(async |stage| {
            let operator = stage.caller("operator", "revocations:write metrics:read")?;
            let service = claims(stage, "sample-service", &[("sid", json!("s-1"))])?;
            let waiting = tokio::spawn(async move {
                let lease = service.post("/v1/services/sample-service/commands:lease", &json!({"wait_seconds": 30}));
                Ok::<_, anyhow::Error>((status(lease).await?, Instant::now()))
            });
            until("the lease waits", PATIENCE, async || {
                ensure!(!waiting.is_finished(), "the lease did not wait");
                let metrics = operator.get("/metrics").send().await?.text().await?;
                Ok(metrics.lines().any(|line| line == "watchgate_long_polls 1").then_some(()))
            })
            .await?;
            let begun = Instant::now();
            revoke(&operator, &[("iss", ISSUER), ("sid", "s-1")]).await?;
            let (status, answered_at) = waiting.await??;
            ensure!(status == 401, "the lease was answered {status}");
            ensure!(answered_at.duration_since(begun) < AT_ONCE, "only after {:?}", answered_at.duration_since(begun));
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_200_is_revoked_after_a_kill() -> Result<()> {
    let stage = Stage::start(StageOptions::default()).await?;
    stage
        .play(async |stage| {
            let operator = stage.caller("operator", "revocations:write")?;
            let mut revoked = Vec::new();
            for number in 0..20 {
                let jti = format!("t-{number}");
                let caller = claims(stage, "ana", &[("jti", json!(jti))])?;
                ensure!(status(caller.get("/v1/events")).await? == 200);
                revoke(&operator, &[("iss", ISSUER), ("jti", &jti)]).await?;
                revoked.push(caller);
            }
            // At once after the answer.
            stage.kill_service();
            stage.restart_service().await?;
            for caller in &revoked {
                let answered = status(caller.get("/v1/events")).await?;
                ensure!(answered == 401, "a revoked token was answered {answered} after the kill");
            }
            let good = claims(stage, "ana", &[("jti", json!("t-20"))])?;
            ensure!(status(good.get("/v1/events")).await? == 200, "another token was revoked as well");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn only_whoever_may_revoke_does_and_keepers_routes_are_not_reached_through_the_gate() -> Result<()> {
    let stage = Stage::start(StageOptions::default()).await?;
    stage
        .play(async |stage| {
            let form = [("token", "opaque")];
            let reader = stage.caller("ana", "events:read")?;
            ensure!(status(reader.request(Method::POST, "/v1/revocations").form(&form)).await? == 403);
            ensure!(status(stage.stranger()?.request(Method::POST, "/v1/revocations").form(&form)).await? == 401);
            let everything = stage.caller("ana", "revocations:write events:read events:write metrics:read")?;
            ensure!(status(everything.request(Method::POST, "/v1/revocations").form(&form)).await? == 200);
            for (method, path) in [
                (Method::GET, "/v1/trust"),
                (Method::PUT, "/v1/trust/gate-keys"),
                (Method::PUT, "/v1/trust/key-sets/idp.json"),
            ] {
                let answered = status(everything.request(method.clone(), path).json(&json!({}))).await?;
                ensure!(answered == 403, "{method} {path} was answered {answered}");
            }
            Ok(())
        })
        .await
}
