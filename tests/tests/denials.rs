//! Denials through the real Traefik: what a client gets, in the words of the RFCs.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use anyhow::{Context, Result, ensure};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::client::{expect_json, status};
use watchgate_tests::{BackEnd, SharedStage, Stage, StageOptions, shipped_gate};

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
            let (bearer, by_proof) = challenge.split_once(", DPoP ").context("no second challenge")?;
            ensure!(bearer == expected, "{challenge}");
            ensure!(by_proof.contains("algs=") && by_proof.contains(&url), "{challenge}");

            let answer = stage.client()?.get(&url).send().await?;
            ensure!(answer.status() == 200, "answered {}", answer.status());
            ensure!(answer.headers()["content-type"] == "application/json", "{:?}", answer.headers());
            let metadata: Value = answer.json().await?;
            ensure!(metadata["resource"] == stage.base_url(), "{metadata}");
            ensure!(metadata["authorization_servers"] == json!(["https://issuer.watchgate.test"]), "{metadata}");
            ensure!(metadata["bearer_methods_supported"] == json!(["header"]), "{metadata}");
            let algorithms =
                metadata["dpop_signing_alg_values_supported"].as_array().context("no algorithms of proofs")?;
            ensure!(algorithms.contains(&json!("ES256")), "{metadata}");
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

/// A gate of its own before an echo, with these keys in its configuration.
async fn stage_with(changes: Value) -> Result<Stage> {
    Stage::start(options_with(changes)?).await
}

fn options_with(changes: Value) -> Result<StageOptions> {
    let mut gate = shipped_gate()?;
    for (key, value) in changes.as_object().context("changes are an object")? {
        gate[key] = value.clone();
    }
    let back_end = BackEnd::DropIn(EchoBackEnd::start("echo")?.url());
    Ok(StageOptions { back_end, gate: Some(gate), ..StageOptions::default() })
}

/// Every line of the file of denials.
fn records(stage: &Stage) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(stage.keys().join("gate/denials"))?;
    text.lines().filter(|line| !line.is_empty()).map(|line| Ok(serde_json::from_str(line)?)).collect()
}

#[tokio::test]
async fn what_would_be_denied_passes_without_an_identity_where_the_gate_only_observes() -> Result<()> {
    let stage = stage_with(json!({"mode": "observe"})).await?;
    stage
        .play(async |stage| {
            let stranger = stage.stranger()?;
            let bad = stranger.with_token("let-me-in");
            let weak = stage.caller("ana", "events:read")?;
            for (caller, reason) in [(&stranger, "no_token"), (&bad, "token_form"), (&weak, "insufficient_claims")] {
                let mut request = caller.post("/v1/events", &json!({}));
                for forged in ["X-Auth-Subject", "Txn-Token", "ce-authid", "ce-id"] {
                    request = request.header(forged, "root");
                }
                let received = expect_json(200, request).await?;
                let headers = received["headers"].as_array().context("no headers")?;
                for name in ["x-auth-subject", "txn-token", "authorization"] {
                    ensure!(!headers.iter().any(|header| header[0] == name), "the back end saw {headers:?}");
                }
                ensure!(!headers.iter().any(|header| header[0].as_str().is_some_and(|name| name.starts_with("ce-"))));
                let last = records(stage)?.pop().context("no record")?;
                ensure!(
                    last["mode"] == "observe" && last["reason"] == reason && last["rule"] == "events-write",
                    "{last}"
                );
            }
            let received =
                expect_json(200, stage.caller("ana", "events:write")?.post("/v1/events", &json!({}))).await?;
            ensure!(received.to_string().contains("txn-token"), "who may pass passes as always: {received}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn every_denial_leaves_a_record_that_holds_nothing_of_the_clients_words() -> Result<()> {
    let stage = stage_with(json!({})).await?;
    stage
        .play(async |stage| {
            let token = stage.token("ana").audience("secret-audience").mint()?;
            let callers = [stage.stranger()?, stage.stranger()?.with_token(&token)];
            let calls = (0..20).map(|number| callers[number % 2].get("/v1/events?secret").send());
            for answer in futures_util::future::join_all(calls).await {
                ensure!(answer?.status() == 401);
            }
            let records = records(stage)?;
            ensure!(records.len() == 20, "{} records of 20 denials at once", records.len());
            for record in &records {
                ensure!(record["source"] == "127.0.0.1" && record["rule"] == "events-read", "{record}");
                ensure!(record["status"] == 401 && record["mode"] == "enforce", "{record}");
                let (reason, has_token) = (&record["reason"], record["sub_digest"].is_string());
                ensure!((reason == "token_audience" && has_token) || (reason == "no_token" && !has_token), "{record}");
            }
            let text = std::fs::read_to_string(stage.keys().join("gate/denials"))?;
            ensure!(text.starts_with('\n') && !text.contains("secret") && !text.contains("ana"), "{text}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn denials_are_kept_in_regular_files_only_and_up_to_a_size() -> Result<()> {
    let stage = stage_with(json!({})).await?;
    stage
        .play(async |stage| {
            let (file, elsewhere) = (stage.keys().join("gate/denials"), stage.folder().join("elsewhere"));
            let deny = async || -> Result<()> {
                ensure!(status(stage.stranger()?.get("/v1/events")).await? == 401, "the gate goes on");
                Ok(())
            };
            std::fs::write(&elsewhere, "")?;
            std::os::unix::fs::symlink(&elsewhere, &file)?;
            deny().await?;
            ensure!(std::fs::read(&elsewhere)?.is_empty(), "the gate followed a link");
            std::fs::remove_file(&file)?;
            ensure!(std::process::Command::new("mkfifo").arg(&file).status()?.success(), "no pipe");
            deny().await?;
            std::fs::remove_file(&file)?;
            let full = 8 * 1024 * 1024;
            std::fs::File::create(&file)?.set_len(full)?;
            deny().await?;
            ensure!(std::fs::metadata(&file)?.len() == full, "the file grew beyond 8 MiB");
            std::fs::remove_file(&file)?;
            deny().await?;
            ensure!(records(stage)?.len() == 1, "a file that was taken away begins anew");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_source_with_too_many_bad_tokens_waits_and_known_callers_behind_it_go_on() -> Result<()> {
    let stage = stage_with(json!({"throttle": {"badTokensPerMinute": 20}})).await?;
    stage
        .play(async |stage| {
            let known = stage.caller("ana", "events:write")?;
            ensure!(status(known.post("/v1/events", &json!({}))).await? == 200);
            let bad = known.with_token(&format!("{}x", stage.mint("eve", "events:write")?));
            // At once, so that many instances of the gate count; what two of them count at the same moment may be lost.
            let calls = (0..60).map(|_| bad.post("/v1/events", &json!({})).send());
            let answers: Vec<_> = futures_util::future::join_all(calls).await;
            for answer in answers {
                let status = answer?.status();
                ensure!(status == 401 || status == 429, "answered {status}");
            }
            for _ in 0..20 {
                status(bad.post("/v1/events", &json!({}))).await?;
            }
            let waits = bad.post("/v1/events", &json!({})).send().await?;
            let seconds: u64 = waits.headers().get("retry-after").context("no Retry-After")?.to_str()?.parse()?;
            ensure!((1..=120).contains(&seconds), "{seconds} s");
            problem(waits, 429).await?;
            let unknown = stage.caller("bert", "events:write")?;
            problem(unknown.post("/v1/events", &json!({})).send().await?, 429).await?;
            for _ in 0..20 {
                ensure!(status(known.post("/v1/events", &json!({}))).await? == 200, "a known caller was throttled");
            }
            ensure!(status(stage.stranger()?.get("/healthz")).await? == 200);
            let last = records(stage)?.pop().context("no record")?;
            ensure!(last["reason"] == "throttled", "{last}");
            Ok(())
        })
        .await
}

fn one_proxy_and_few_bad_tokens() -> Value {
    json!({
        "throttle": {"badTokensPerMinute": 5},
        "clientAddress": {"depth": 1, "trustedProxies": ["127.0.0.0/8"]},
    })
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_is_counted_for_itself() -> Result<()> {
    let options = StageOptions { behind_proxy: true, ..options_with(one_proxy_and_few_bad_tokens())? };
    Stage::start(options)
        .await?
        .play(async |stage| {
            let bad = stage.stranger()?.with_token("x");
            let answered = async |list: &str| status(bad.get("/v1/events").header("X-Forwarded-For", list)).await;
            for number in 0..5 {
                ensure!(answered(&format!("203.0.113.{number}, 192.0.2.7")).await? == 401);
            }
            ensure!(answered("203.0.113.9, 192.0.2.7").await? == 429, "what a client writes before its address counts");
            ensure!(answered("192.0.2.7, 192.0.2.8").await? == 401, "another client was throttled");
            let last = records(stage)?.pop().context("no record")?;
            ensure!(last["source"] == "192.0.2.8", "{last}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_client_cannot_name_itself_where_no_proxy_does() -> Result<()> {
    stage_with(one_proxy_and_few_bad_tokens())
        .await?
        .play(async |stage| {
            // Traefik blanks the header of a peer that it does not trust: whoever comes so is somebody behind the proxy.
            let bad = stage.stranger()?.with_token("x");
            let answered = async |from: &str| status(bad.get("/v1/events").header("X-Forwarded-For", from)).await;
            for number in 0..5 {
                ensure!(answered(&format!("192.0.2.{number}")).await? == 401);
            }
            ensure!(answered("198.51.100.1").await? == 429, "an address that the client made up is a way round");
            let last = records(stage)?.pop().context("no record")?;
            ensure!(last["source"] == "behind 127.0.0.1", "{last}");
            Ok(())
        })
        .await
}
