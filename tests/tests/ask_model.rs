//! Questions through the real gate to an assistant with a model: what it says is checked, and what it does not finish is no answer.

use std::sync::LazyLock;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use watchgate_tests::client::expect_json;
use watchgate_tests::model_mock::ModelMock;
use watchgate_tests::{SharedStage, StageOptions};

/// The mock outlives its stage: both are shared by the tests of this file.
static MOCK: LazyLock<Result<ModelMock, String>> = LazyLock::new(|| {
    let start = || tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(ModelMock::start());
    std::thread::spawn(start).join().map_err(|_| "the mock panicked".to_owned())?.map_err(|error| format!("{error:#}"))
});

static STAGE: SharedStage = SharedStage::new(|| {
    let mock = MOCK.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
    let model =
        json!({"name": "house", "baseUrl": mock.url("v1"), "model": "large-2", "allowedNetworks": ["127.0.0.0/8"]});
    Ok(StageOptions { assistant: Some(json!({"models": [model]})), ..StageOptions::default() })
});

const ASKED_OF_THE_HOUSE: &str = "What happens to poison jobs, says the house?";

fn holds_as_it_should(answer: &Value) -> Result<()> {
    ensure!(answer["made_by"] == json!({"kind": "model", "model": "house"}), "{answer}");
    ensure!(answer["known"] == true, "{answer}");
    let citations = answer["citations"].as_array().context("no citations")?;
    ensure!(citations.len() == 2 && citations.iter().all(|citation| citation["file"] == "checkout.md"), "{answer}");
    let removed: Vec<_> = answer["removed"].as_array().into_iter().flatten().map(|one| one["what"].clone()).collect();
    ensure!(removed.contains(&json!("quote")) && removed.contains(&json!("link")), "{answer}");
    // Something was taken out, so that nobody should be too sure of the rest.
    ensure!(answer["confidence"] != "high" && !answer.to_string().contains("evil.example"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn what_a_model_says_is_held_against_the_documents() -> Result<()> {
    STAGE
        .play(async |stage| {
            let caller = stage.caller("ana", "assistant:ask events:read")?;
            let body = json!({"question": ASKED_OF_THE_HOUSE});
            holds_as_it_should(&expect_json(200, caller.post("/v1/ask", &body)).await?)?;

            let text = caller.post("/v1/ask", &body).header("accept", "text/event-stream").send().await?.text().await?;
            let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
            ensure!(names.contains(&"words") && names.ends_with(&["answer", "end"]), "{names:?}");
            ensure!(!text.contains("evil.example"), "a link left on the way: {text}");
            let data = text.rsplit("event: answer\ndata: ").next().and_then(|rest| rest.lines().next());
            holds_as_it_should(&serde_json::from_str(data.context("no answer")?)?)?;

            let page = expect_json(200, caller.get("/v1/events?type=dev.watchgate.assistant.answered")).await?;
            ensure!(page.to_string().contains("house"), "no event says that the model answered: {page}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_short_answer_of_a_model_has_no_marks_and_one_citation() -> Result<()> {
    STAGE
        .play(async |stage| {
            let caller = stage.caller("ana", "assistant:ask")?;
            let answer =
                expect_json(200, caller.post("/v1/ask?short=1", &json!({"question": ASKED_OF_THE_HOUSE}))).await?;
            ensure!(answer["made_by"] == json!({"kind": "model", "model": "house"}), "{answer}");
            ensure!(answer["answer"] == "They go to a table of their own." && answer["more"] == true, "{answer}");
            let citations = answer["citations"].as_array().context("no citations")?;
            ensure!(citations.len() == 1 && citations[0]["quote"].to_string().contains("dead_jobs"), "{answer}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn when_a_model_breaks_off_the_documents_are_quoted_and_the_answer_says_so() -> Result<()> {
    STAGE
        .play(async |stage| {
            let caller = stage.caller("ana", "assistant:ask")?;
            let body = json!({"question": "What happens to poison jobs, says who is cut?"});
            let answer = expect_json(200, caller.post("/v1/ask", &body)).await?;
            ensure!(answer["made_by"] == json!({"kind": "documents", "instead_of_model": "cut_off"}), "{answer}");

            let text = caller.post("/v1/ask", &body).header("accept", "text/event-stream").send().await?.text().await?;
            let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
            ensure!(names.ends_with(&["answer", "end"]), "{names:?}");
            let words = names.iter().position(|name| *name == "words");
            let anew = names.iter().position(|name| *name == "anew");
            ensure!(words.is_none() || anew > words, "words of a model that broke off were not taken back: {names:?}");
            Ok(())
        })
        .await
}
