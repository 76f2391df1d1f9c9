//! A mediation through the real gate: by two people with tokens of their own, without a model and with one.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use watchgate_tests::client::{Caller, expect_json, status};
use watchgate_tests::model_mock::ModelMock;
use watchgate_tests::{Stage, StageOptions};

const ISSUER: &str = "https://issuer.watchgate.test";

/// What each says in private.
const OF_ANA: &str = "Ben is lazy: nobody looks at my code before Friday, and I have an offer of Zephyrion.";
const OF_BEN: &str = "Ana writes novels: they wake me at midnight, and my physician forbids it.";

/// Ana and Ben, each with what is theirs to do.
async fn play(stage: &Stage, (made_by, share): (Value, fn(&'static str, &Value) -> Value)) -> Result<()> {
    let (ana, ben) = (stage.caller("ana", "mediations")?, stage.caller("ben", "mediations")?);
    let body = json!({"topic": "Who reviews whose code", "with": {"issuer": ISSUER, "subject": "ben"}});
    let begun = expect_json(201, ana.post("/v1/mediations", &body)).await?;
    let path = format!("/v1/mediations/{}", begun["id"].as_str().context("no id")?);
    let listed = expect_json(200, ben.get("/v1/mediations")).await?;
    ensure!(listed["mediations"][0]["id"] == begun["id"], "{listed}");

    for (who, told) in [(&ana, OF_ANA), (&ben, OF_BEN)] {
        let own = expect_json(200, who.post(&format!("{path}/account"), &json!({"text": told}))).await?;
        ensure!(own["yours"]["account"] == told && own["yours"]["made_by"] == made_by, "{own}");
    }
    for (who, text) in [(&ana, "I wish for earlier reviews."), (&ben, "I get reviews late in the evening.")] {
        let own = expect_json(200, who.get(&path)).await?;
        expect_json(200, who.post(&format!("{path}/restatement"), &share(text, &own["yours"]))).await?;
    }
    let (of_ana, of_ben) = (expect_json(200, ana.get(&path)).await?, expect_json(200, ben.get(&path)).await?);
    ensure!(of_ben["theirs"]["shared"] == "I wish for earlier reviews.", "{of_ben}");
    ensure!(of_ana["together"]["made_by"] == made_by, "{of_ana}");
    ensure!(of_ana["together"]["next_steps"].as_array().is_some_and(|steps| !steps.is_empty()), "{of_ana}");
    ensure!(!of_ben.to_string().contains("Zephyrion") && !of_ana.to_string().contains("physician"));

    let agreement = format!("{path}/agreement");
    let proposed = expect_json(200, ana.post(&agreement, &json!({"text": "Reviews before six."}))).await?;
    let accept = json!({"accept": proposed["agreement"]["id"]});
    let agreed = expect_json(200, ben.post(&agreement, &accept)).await?;
    ensure!(agreed["state"] == "agreed" && agreed["agreement"]["accepted_by"]["subject"] == "ben", "{agreed}");

    let reader = stage.caller("cara", "events:read mediations")?;
    let events = expect_json(200, reader.get("/v1/events?limit=1000")).await?.to_string();
    ensure!(events.contains("dev.watchgate.mediation.agreed"), "no event tells of it: {events}");
    for told in ["Zephyrion", "physician", "reviews", "Reviews"] {
        ensure!(!events.contains(told), "`{told}` stands in an event");
    }
    closed_to_others(stage, &reader, &path).await?;
    ensure!(status(ana.post(&format!("{path}/leave"), &json!({}))).await? == 204);
    ensure!(status(ana.get(&path)).await? == 404);
    let left = expect_json(200, ben.get(&path)).await?;
    ensure!(left["state"] == "left" && left["agreement"]["text"] == "Reviews before six.", "{left}");
    Ok(())
}

async fn closed_to_others(stage: &Stage, cara: &Caller, path: &str) -> Result<()> {
    ensure!(status(cara.get(path)).await? == 404, "somebody else reads it");
    let without = stage.caller("ana", "events:read assistant:ask")?;
    for request in [
        without.get(path),
        without.get("/v1/mediations"),
        without.post("/v1/mediations", &json!({})),
        without.post(&format!("{path}/account"), &json!({"text": "I"})),
        without.post(&format!("{path}/leave"), &json!({})),
    ] {
        ensure!(status(request).await? == 403, "a token without the scope is let through");
    }
    ensure!(status(stage.stranger()?.get(path)).await? == 401);
    Ok(())
}

#[tokio::test]
async fn two_people_settle_something_by_a_form() -> Result<()> {
    let share = |text, _: &Value| json!({"text": text, "share": true});
    let stage = Stage::start(StageOptions::default()).await?;
    stage.play(async |stage| play(stage, (json!({"kind": "form"}), share)).await).await
}

#[tokio::test]
async fn two_people_settle_something_with_a_model() -> Result<()> {
    let mock = ModelMock::start().await?;
    let model =
        json!({"name": "house", "baseUrl": mock.url("v1"), "model": "large-2", "allowedNetworks": ["127.0.0.0/8"]});
    let options = StageOptions { assistant: Some(json!({"models": [model]})), ..StageOptions::default() };
    let share = |_, yours: &Value| json!({"accept": yours["restatement_id"], "share": true});
    let stage = Stage::start(options).await?;
    stage.play(async |stage| play(stage, (json!({"kind": "model", "model": "house"}), share)).await).await
}
