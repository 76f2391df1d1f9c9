//! The whole walk of identity through real Traefik over TLS, with keeper, exchange, service and provider as processes of
//! their own: login, call, introspection, bound call, rotation, revocation.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use watchgate_tests::client::status;
use watchgate_tests::dpop::DpopKey;
use watchgate_tests::identity::IdentityStage;
use watchgate_tests::identity_provider::{EarlierKeys, Resource, endpoint};
use watchgate_tests::random;
use watchgate_tests::wait::until;

const INTROSPECTIONS: &str = "POST /token/introspection";
const KEY_FETCHES: &str = "GET /jwks";

/// Longer than a rotation or a revocation may take: then something is wrong, not slow.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn from_login_to_revocation() -> Result<()> {
    let staged = IdentityStage::start().await?;
    let walked = staged.stage.play(async |_| walk(&staged).await).await;
    walked.with_context(|| staged.logs())
}

async fn walk(staged: &IdentityStage) -> Result<()> {
    call(staged).await.context("call")?;
    introspection(staged).await.context("introspection")?;
    bound_call(staged).await.context("bound call")?;
    rotation(staged).await.context("rotation")?;
    revocation(staged).await.context("revocation")
}

async fn call(staged: &IdentityStage) -> Result<()> {
    let ana = staged.provider.grant(Resource::jwt()).scope("events:read").login("ana").await?;
    ensure!(status(staged.caller(&ana.access)?.get("/v1/events")).await? == 200);
    ensure!(status(staged.caller(&ana.access)?.get("/v1/runbooks")).await? == 403, "a scope that ana was not given");
    ensure!(status(staged.stage.stranger()?.get("/v1/events")).await? == 401, "without a token");
    let own = staged.stage.mint("ana", "events:read")?;
    ensure!(status(staged.caller(&own)?.get("/v1/events")).await? == 401, "an issuer that the gate does not know");
    Ok(())
}

async fn introspection(staged: &IdentityStage) -> Result<()> {
    let provider = &staged.provider;
    let asked = async || provider.count(INTROSPECTIONS).await;
    let before = asked().await?;
    let ana = provider.grant(Resource::opaque()).scope("events:read").login("ana").await?;
    for _ in 0..5 {
        ensure!(status(staged.caller(&ana.access)?.get("/v1/events")).await? == 200);
    }
    ensure!(status(staged.caller(&ana.access)?.get("/v1/runbooks")).await? == 403, "a scope that ana was not given");
    ensure!(asked().await? == before.saturating_add(1), "a known token was asked about again");

    let elsewhere = provider.grant(Resource::opaque().audience("elsewhere")).scope("events:read").machine().await?;
    ensure!(status(staged.caller(&elsewhere.access)?.get("/v1/events")).await? == 401, "a token for somebody else");
    let withdrawn = provider.grant(Resource::opaque()).scope("events:read").machine().await?;
    provider.revoke(&withdrawn.access).await?;
    for refused in [&*withdrawn.access, "never-issued"] {
        ensure!(status(staged.caller(refused)?.get("/v1/events")).await? == 401, "{refused}");
    }
    Ok(())
}

async fn bound_call(staged: &IdentityStage) -> Result<()> {
    let (post, path) = (Method::POST, "/v1/events");
    let event = json!({"temperature": 21});
    let (key, other) = (DpopKey::generate()?, DpopKey::generate()?);
    for resource in [Resource::jwt(), Resource::opaque()] {
        let unbound = staged.provider.grant(resource.clone()).scope("events:write").login("ana").await?;
        ensure!(status(staged.caller(&unbound.access)?.post(path, &event)).await? == 403, "an unbound token");

        let bound = staged.provider.grant(resource).scope("events:write").bound_to_key(&key).login("ana").await?;
        let token = &*bound.access;
        ensure!(bound.token_type == "DPoP");
        for _ in 0..2 {
            let answered = status(staged.proven(&post, path, token, &key)?.json(&event)).await?;
            ensure!(answered == 202, "a proven call was answered {answered}");
        }
        let url = format!("{}{path}", staged.stage.base_url());
        let proof = key.proof("POST", &url).token(token).sign();
        ensure!(status(staged.with_proof(&post, path, token, &proof)?.json(&event)).await? == 202);
        ensure!(status(staged.with_proof(&post, path, token, &proof)?.json(&event)).await? == 401, "a proof twice");
        ensure!(status(staged.proven(&post, path, token, &other)?.json(&event)).await? == 401, "another key's proof");
        let elsewhere = key.proof("POST", &staged.provider.url(path)).token(token).sign();
        ensure!(
            status(staged.with_proof(&post, path, token, &elsewhere)?.json(&event)).await? == 401,
            "another place's"
        );
        ensure!(status(staged.caller(token)?.post(path, &event)).await? == 401, "a bound token without a proof");
    }
    Ok(())
}

async fn rotation(staged: &IdentityStage) -> Result<()> {
    let provider = &staged.provider;
    let before = provider.grant(Resource::jwt()).scope("events:read").machine().await?.access;
    ensure!(status(staged.caller(&before)?.get("/v1/events")).await? == 200);
    let fetched = provider.count(KEY_FETCHES).await?;
    provider.rotate(EarlierKeys::Published).await?;
    let after = provider.grant(Resource::jwt()).scope("events:read").login("ana").await?.access;
    let delay = staged.until_passes(&after).await?;
    println!("a new key was known after {} ms", delay.as_millis());
    ensure!(provider.count(KEY_FETCHES).await? <= fetched.saturating_add(2), "asked for keys again and again");
    ensure!(status(staged.caller(&before)?.get("/v1/events")).await? == 200, "a token of the earlier key");
    Ok(())
}

async fn revocation(staged: &IdentityStage) -> Result<()> {
    let issuer = staged.provider.issuer();
    // A person for each: who is revoked as a person gets no good token within the same second.
    for (resource, person) in [(Resource::jwt(), "ben"), (Resource::opaque(), "cem")] {
        let login = async || {
            let tokens = staged.provider.grant(resource.clone()).scope("events:read").login(person).await?;
            ensure!(status(staged.caller(&tokens.access)?.get("/v1/events")).await? == 200);
            Ok(tokens.access)
        };
        let (by_token, by_session, by_person) = (login().await?, login().await?, login().await?);
        staged.revoke(&[("token", &by_token)]).await?;
        let began = Instant::now();
        staged.until_refused(&by_token).await?;
        println!("a revoked token was refused after {} ms", began.elapsed().as_millis());
        ensure!(
            status(staged.caller(&by_session)?.get("/v1/events")).await? == 200,
            "another token of the same person"
        );

        let session = said_of(staged, &by_session).await?;
        let session = session.get("sid").and_then(Value::as_str).context("no sid")?;
        staged.revoke(&[("iss", issuer), ("sid", session)]).await?;
        staged.until_refused(&by_session).await?;
        ensure!(
            status(staged.caller(&by_person)?.get("/v1/events")).await? == 200,
            "another session of the same person"
        );

        staged.revoke(&[("iss", issuer), ("sub", person)]).await?;
        staged.until_refused(&by_person).await?;
    }
    Ok(())
}

/// The claims of a token, whatever it is.
async fn said_of(staged: &IdentityStage, token: &str) -> Result<Value> {
    match token.split('.').nth(1) {
        Some(claims) => Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?),
        None => staged.provider.introspect(token).await,
    }
}

/// A provider in trouble, as the exchange meets it.
#[tokio::test]
async fn a_provider_in_trouble_gets_new_opaque_tokens_503_and_known_ones_go_on() -> Result<()> {
    let staged = IdentityStage::start().await?;
    let played = staged.stage.play(async |_| introspection_in_trouble(&staged).await).await;
    played.with_context(|| staged.logs())
}

async fn introspection_in_trouble(staged: &IdentityStage) -> Result<()> {
    let provider = &staged.provider;
    let new_token = async || {
        let tokens = provider.grant(Resource::opaque()).scope("events:read").machine().await?;
        staged.caller(&tokens.access)
    };
    let known = new_token().await?;
    ensure!(status(known.get("/v1/events")).await? == 200);
    for fault in [
        json!({"kind": "down"}),
        json!({"kind": "hang_up"}),
        json!({"kind": "garbage"}),
        json!({"kind": "huge", "mebibytes": 5}),
        json!({"kind": "redirect", "to": provider.url("/elsewhere")}),
        json!({"kind": "slow", "milliseconds": 10_000}),
    ] {
        let caller = new_token().await?;
        let mut with_path = fault.clone();
        with_path.as_object_mut().context("no object")?.insert("paths".into(), json!([endpoint::INTROSPECTION]));
        provider.set_faults(&json!([with_path])).await?;
        let began = Instant::now();
        let answered = status(caller.get("/v1/events")).await?;
        ensure!(answered == 503, "{fault}: a token that nobody vouches for was answered {answered}");
        ensure!(began.elapsed() < Duration::from_secs(4), "{fault}: {} ms", began.elapsed().as_millis());
        ensure!(status(known.get("/v1/events")).await? == 200, "{fault}: a known token");
        provider.set_faults(&json!([])).await?;
        until("the same token passes", PATIENCE, async || {
            Ok((status(caller.get("/v1/events")).await? == 200).then_some(()))
        })
        .await
        .with_context(|| format!("after {fault}"))?;
    }
    ensure!(provider.count("POST /elsewhere").await? == 0, "a token was sent where a redirect said");
    let jwt = provider.grant(Resource::jwt()).scope("events:read").machine().await?.access;
    let caller = new_token().await?;
    provider.kill();
    ensure!(status(caller.get("/v1/events")).await? == 503);
    ensure!(status(staged.caller(&jwt)?.get("/v1/events")).await? == 200, "the keys are known");
    Ok(())
}

/// A provider in trouble, as the keeper meets it.
#[tokio::test]
async fn while_keys_cannot_be_fetched_the_last_ones_count_and_tokens_of_new_ones_get_503() -> Result<()> {
    let staged = IdentityStage::start().await?;
    let played = staged.stage.play(async |_| fetching_in_trouble(&staged).await).await;
    played.with_context(|| staged.logs())
}

async fn fetching_in_trouble(staged: &IdentityStage) -> Result<()> {
    let provider = &staged.provider;
    let new_token =
        async || Ok::<_, anyhow::Error>(provider.grant(Resource::jwt()).scope("events:read").machine().await?.access);
    let (keys, discovery) = (endpoint::JWKS, endpoint::DISCOVERY);
    for fault in [
        json!({"paths": [keys], "kind": "down"}),
        json!({"paths": [keys], "kind": "hang_up"}),
        json!({"paths": [keys], "kind": "garbage"}),
        json!({"paths": [keys], "kind": "huge", "mebibytes": 5}),
        json!({"paths": [keys], "kind": "redirect", "to": provider.url("/elsewhere")}),
        json!({"paths": [keys], "kind": "slow", "milliseconds": 60_000}),
        json!({"paths": [discovery], "kind": "down"}),
        json!({"paths": [discovery], "kind": "wrong_issuer", "issuer": "https://elsewhere.example.com"}),
    ] {
        let (earlier, kept) = (new_token().await?, staged.kept_keys()?);
        provider.rotate(EarlierKeys::Published).await?;
        let later = new_token().await?;
        provider.set_faults(&json!([fault])).await?;
        let faulty = format!("GET {}", fault.pointer("/paths/0").and_then(Value::as_str).context("no path")?);
        let before = provider.count(&faulty).await?;
        staged.restart_keeper()?;
        // When it asks again it has done with the first answer.
        until("the keeper has met the fault", PATIENCE, async || {
            Ok((provider.count(&faulty).await? > before.saturating_add(1)).then_some(()))
        })
        .await?;
        for _ in 0..3 {
            let (good, new) = (staged.caller(&earlier)?, staged.caller(&later)?);
            ensure!(status(good.get("/v1/events")).await? == 200, "{fault}: a key that is known");
            ensure!(status(new.get("/v1/events")).await? == 503, "{fault}: a key that may be good");
        }
        ensure!(staged.kept_keys()? == kept, "{fault}: other keys were kept");
        provider.set_faults(&json!([])).await?;
        // Else it would wait for its next turn: it does not ask more often, whatever happens.
        staged.restart_keeper()?;
        staged.until_passes(&later).await.with_context(|| format!("after {fault}"))?;
    }
    ensure!(provider.count("GET /elsewhere").await? == 0, "the keeper followed a redirect");
    Ok(())
}

/// 32 connections bring tokens of a good form whose keys nobody knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_unknown_keys_makes_at_most_three_requests_to_the_provider() -> Result<()> {
    // Else most of them would be told to wait before anybody looks at their keys.
    let staged = IdentityStage::start_with(&json!({"throttle": {"badTokensPerMinute": 0}})).await?;
    let played = staged.stage.play(async |_| flood(&staged).await).await;
    played.with_context(|| staged.logs())
}

async fn flood(staged: &IdentityStage) -> Result<()> {
    const TOKENS: usize = 5_000;
    const CONNECTIONS: usize = 32;
    let good = staged.provider.grant(Resource::jwt()).scope("events:read").machine().await?.access;
    let before = staged.provider.counts().await?;
    let forged = (0..TOKENS).map(|_| with_another_kid(&good)).collect::<Result<Vec<_>>>()?;
    let forged = Arc::new(Mutex::new(forged));
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (caller, forged) = (staged.stage.stranger()?, Arc::clone(&forged));
        connections.spawn(async move {
            loop {
                let Some(token) = forged.lock().await.pop() else { return anyhow::Ok(()) };
                let answered = status(caller.with_token(&token).get("/v1/events")).await?;
                ensure!(answered == 401 || answered == 503, "a token that nobody signed was answered {answered}");
            }
        });
    }
    while let Some(ended) = connections.join_next().await {
        ended??;
    }
    let after = staged.provider.counts().await?;
    let asked: u64 = after.values().sum::<u64>().saturating_sub(before.values().sum());
    ensure!((1..=3).contains(&asked), "{asked} requests to the provider: {before:?}, then {after:?}");
    ensure!(status(staged.caller(&good)?.get("/v1/events")).await? == 200, "a good token after the flood");
    Ok(())
}

fn with_another_kid(token: &str) -> Result<String> {
    let (header, rest) = token.split_once('.').context("no JWT")?;
    let mut header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header)?)?;
    header.as_object_mut().context("no object")?.insert("kid".to_owned(), json!(random::text()));
    Ok(format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string())))
}
