//! A configuration with mistakes: everything is denied, and Traefik's log says each mistake with its place.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::client::status;
use watchgate_tests::{BackEnd, Stage, StageOptions, shipped_gate};

/// A stage whose gate has this configuration.
async fn stage(gate: Value) -> Result<Stage> {
    let back_end = BackEnd::DropIn(EchoBackEnd::start("echo")?.url());
    Stage::start(StageOptions { back_end, gate: Some(gate), ..StageOptions::default() }).await
}

async fn denies_everything(stage: &Stage) -> Result<()> {
    let good = stage.caller("ana", "events:write events:read")?;
    for path in ["/healthz", "/v1/events", "/"] {
        for caller in [&good, &stage.stranger()?] {
            let answered = status(caller.get(path)).await?;
            ensure!(answered == 503, "{path} was answered {answered}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_mistake_is_named_at_once_with_its_place_and_everything_is_denied() -> Result<()> {
    let mut gate = shipped_gate()?;
    gate["issuers"][0]["algorithms"] = json!(["none"]);
    gate["issuers"][0]["audiences"] = json!([]);
    gate["rules"][1]["match"] = json!("Path(`/v1/events`) && Methd(`POST`)");
    gate["rules"][2]["require"] = json!("Scope(`events:read`");
    gate["rules"][3]["pubic"] = json!(true);
    gate["rulez"] = json!([]);
    let stage = stage(gate).await?;
    stage
        .play(async |stage| {
            denies_everything(stage).await?;
            let log = stage.traefik_log();
            for place in [
                "issuers[0].algorithms",
                "issuers[0].audiences",
                "rules[1].match",
                "rules[2].require",
                "pubic",
                "rulez",
            ] {
                ensure!(log.contains(place), "the log does not name {place}");
            }
            ensure!(log.contains("Methd"), "the log does not say what is wrong with the rule");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn an_empty_configuration_denies_everything() -> Result<()> {
    let stage = stage(json!({})).await?;
    stage.play(denies_everything).await
}

#[tokio::test]
async fn missing_keys_deny_what_needs_them_and_count_as_soon_as_they_are_there() -> Result<()> {
    let mut gate = shipped_gate()?;
    gate["issuers"][0]["jwksFile"] = json!("jwks/late.json");
    let stage = stage(gate).await?;
    stage
        .play(async |stage| {
            let caller = stage.caller("ana", "events:write")?;
            let answered = status(caller.post("/v1/events", &json!({}))).await?;
            ensure!(answered == 503, "without the issuer's keys: answered {answered}");
            ensure!(status(stage.stranger()?.get("/healthz")).await? == 200, "a public path needs no issuer");
            let folder = stage.keys().join("trust/jwks");
            std::fs::copy(folder.join("dev.json"), folder.join("late.json.new"))?;
            std::fs::rename(folder.join("late.json.new"), folder.join("late.json"))?;
            watchgate_tests::wait::until("the new keys count", std::time::Duration::from_secs(5), async || {
                Ok((status(caller.post("/v1/events", &json!({}))).await? == 200).then_some(()))
            })
            .await
        })
        .await
}

#[tokio::test]
async fn without_the_gates_own_key_no_request_is_forwarded_unsigned() -> Result<()> {
    let stage = stage(shipped_gate()?).await?;
    stage
        .play(async |stage| {
            ensure!(status(stage.stranger()?.get("/healthz")).await? == 200, "the gate does not work at all");
            std::fs::remove_file(stage.keys().join("trust/gate.key"))?;
            watchgate_tests::wait::until("the gate refuses", std::time::Duration::from_secs(5), async || {
                Ok((status(stage.stranger()?.get("/healthz")).await? == 503).then_some(()))
            })
            .await
        })
        .await
}

/// Whoever reads a list in a list goes as deep, and the stack in the sandbox is small. A trap at the start of an instance
/// ends all that are to come: Traefik would answer 500. A configuration nested like that Traefik refuses by itself.
#[tokio::test]
async fn keys_that_are_nested_deep_are_refused_and_end_nothing() -> Result<()> {
    let keys = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"AA","deep":{open}{close}}}]}}"#)
    };
    for levels in [120, 1_000] {
        let mut gate = shipped_gate()?;
        gate["issuers"][0]["jwksFile"] = json!("jwks/deep.json");
        let back_end = BackEnd::DropIn(EchoBackEnd::start("echo")?.url());
        let trust_files = vec![("jwks/deep.json".to_owned(), keys(levels))];
        let options = StageOptions { back_end, gate: Some(gate), trust_files, ..StageOptions::default() };
        let stage = Stage::start(options).await?;
        stage
            .play(async |stage| {
                let answered = status(stage.caller("ana", "events:write")?.post("/v1/events", &json!({}))).await?;
                ensure!(answered == 503, "keys nested {levels} deep: answered {answered}");
                ensure!(status(stage.stranger()?.get("/healthz")).await? == 200, "keys nested {levels} deep");
                Ok(())
            })
            .await?;
    }
    let mut gate = shipped_gate()?;
    gate["issuers"] = json!([{"issuer": "https://idp.example.com", "audiences": ["watchgate"], "jwks": keys(120)}]);
    let stage = stage(gate).await?;
    stage.play(denies_everything).await
}
