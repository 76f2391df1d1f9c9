//! Denials through the real Traefik: what a client gets, in the words of the RFCs.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use anyhow::{Context, Result, ensure};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::{BackEnd, SharedStage, StageOptions, shipped_gate};

static STAGE: SharedStage = SharedStage::new(|| {
    let mut gate = shipped_gate()?;
    gate["resourceMetadata"] = json!({"name": "The sample company"});
    let rules = gate["rules"].as_array_mut().context("the shipped gate has no rules")?;
    rules.push(
        json!({"name": "vault", "match": "Path(`/vault`)", "require": "Acr(`gold`) && AuthenticatedWithin(`5m`)"}),
    );
    let back_end = BackEnd::DropIn(EchoBackEnd::start("echo")?.url());
    Ok(StageOptions { back_end, gate: Some(gate), ..StageOptions::default() })
});

/// What every denial is: a problem (RFC 9457) with this status, that nobody may keep.
async fn problem(answer: Response, status: u16) -> Result<Value> {
    ensure!(answer.status() == status, "answered {}, not {status}", answer.status());
    ensure!(answer.headers()["content-type"] == "application/problem+json", "{:?}", answer.headers());
    ensure!(answer.headers()["cache-control"] == "no-store", "{:?}", answer.headers());
    let problem: Value = answer.json().await?;
    ensure!(problem["status"] == status && problem["type"] == "about:blank", "{problem}");
    Ok(problem)
}

fn challenge(answer: &Response) -> Result<String> {
    Ok(answer.headers().get("www-authenticate").context("no challenge")?.to_str()?.to_owned())
}

#[tokio::test]
async fn a_client_that_knows_only_the_address_finds_out_where_tokens_come_from() -> Result<()> {
    STAGE
        .play(async |stage| {
            let stranger = stage.stranger()?;
            let denied = stranger.get("/v1/events").send().await?;
            let challenge = challenge(&denied)?;
            problem(denied, 401).await?;
            let url = format!("{}/.well-known/oauth-protected-resource", stage.base_url());
            let expected = format!(r#"Bearer realm="watchgate", resource_metadata="{url}""#);
            ensure!(challenge == expected, "{challenge}");

            let answer = stage.client()?.get(&url).send().await?;
            ensure!(answer.status() == 200, "answered {}", answer.status());
            ensure!(answer.headers()["content-type"] == "application/json", "{:?}", answer.headers());
            let metadata: Value = answer.json().await?;
            ensure!(metadata["resource"] == stage.base_url(), "{metadata}");
            ensure!(metadata["authorization_servers"] == json!(["https://issuer.watchgate.test"]), "{metadata}");
            ensure!(metadata["bearer_methods_supported"] == json!(["header"]), "{metadata}");
            ensure!(metadata["resource_name"] == "The sample company", "{metadata}");
            let scopes = metadata["scopes_supported"].as_array().context("no scopes")?;
            ensure!(scopes.contains(&json!("events:write")), "{metadata}");

            let head = stage.client()?.head(&url).send().await?;
            ensure!(head.status() == 200 && head.text().await?.is_empty(), "HEAD is answered as GET, without the body");
            let path = "/.well-known/oauth-protected-resource";
            problem(stranger.request(Method::POST, path).send().await?, 403).await?;
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_login_that_is_too_weak_or_too_old_is_answered_with_the_one_that_would_do() -> Result<()> {
    STAGE
        .play(async |stage| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
            for (acr, age, expected) in [
                ("silver", 10, Some(r#"acr_values="gold""#)),
                ("gold", 600, Some(r#"max_age="300""#)),
                ("silver", 600, Some(r#"acr_values="gold", max_age="300""#)),
                ("gold", 10, None),
            ] {
                let auth_time = now.saturating_sub(age).to_string();
                let token = stage.token("ana").claim("acr", &format!("\"{acr}\"")).claim("auth_time", &auth_time);
                let answer = stage.stranger()?.with_token(&token.mint()?).get("/vault").send().await?;
                let Some(expected) = expected else {
                    ensure!(answer.status() == 200, "answered {}", answer.status());
                    continue;
                };
                let challenge = challenge(&answer)?;
                let start =
                    format!(r#"Bearer realm="watchgate", error="insufficient_user_authentication", {expected}, "#);
                ensure!(challenge.starts_with(&start), "{challenge}");
                problem(answer, 401).await?;
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn early_data_is_answered_too_early_on_public_paths_as_well() -> Result<()> {
    STAGE
        .play(async |stage| {
            let caller = stage.caller("ana", "events:write")?;
            for request in [caller.get("/healthz"), caller.post("/v1/events", &json!({}))] {
                let answer = request.header("Early-Data", "1").send().await?;
                ensure!(answer.headers().get("www-authenticate").is_none(), "a challenge for a token that is good");
                problem(answer, 425).await?;
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn the_body_never_says_which_check_failed() -> Result<()> {
    STAGE
        .play(async |stage| {
            let good = stage.mint("ana", "events:write")?;
            let expired = stage.token("ana").ttl_seconds(-3_600).mint()?;
            let foreign = stage.token("ana").audience("billing").mint()?;
            let mut bodies = Vec::new();
            for token in [expired, foreign, format!("{good}x"), "x".to_owned()] {
                let answer = stage.stranger()?.with_token(&token).get("/v1/events").send().await?;
                let challenge = challenge(&answer)?;
                ensure!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
                bodies.push(problem(answer, 401).await?);
            }
            ensure!(bodies.iter().all(|body| Some(body) == bodies.first()), "{bodies:?}");
            Ok(())
        })
        .await
}
