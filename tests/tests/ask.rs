//! Questions through the real gate: answered with sources that are really there, or not at all.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Error, Result, ensure};
use serde_json::{Value, json};
use watchgate_tests::client::{expect_json, status};
use watchgate_tests::{SharedStage, StageOptions, artifacts};

static STAGE: SharedStage = SharedStage::new(|| Ok(StageOptions::default()));

#[tokio::test]
async fn a_question_is_answered_with_quotations_that_stand_in_the_files_they_name() -> Result<()> {
    STAGE
        .play(async |stage| {
            let caller = stage.caller("ana", "assistant:ask")?;
            let folder = artifacts::root().join("examples/company/documents");
            for (question, file) in [
                ("How do I restart the mailer?", "checkout.md"),
                ("What caused the receipts delay in February?", "incident-2026-02-checkout.md"),
            ] {
                let answer = expect_json(200, caller.post("/v1/ask", &json!({"question": question}))).await?;
                ensure!(answer["known"] == true && answer["answer"].is_string(), "{question}: {answer}");
                let citations = answer["citations"].as_array().context("no citations")?;
                ensure!(citations.iter().any(|citation| citation["file"] == file), "{question}: {file} is not cited");
                for citation in citations {
                    let name = citation["file"].as_str().context("a citation without a file")?;
                    let quote = citation["quote"].as_str().context("a citation without a quote")?;
                    let document = fs::read_to_string(folder.join(name))?;
                    ensure!(document.contains(quote), "{name} does not hold `{quote}`");
                }
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_short_answer_is_short_and_cites_one_place() -> Result<()> {
    STAGE
        .play(async |stage| {
            let caller = stage.caller("ana", "assistant:ask")?;
            let body = json!({"question": "How do I restart the mailer?"});
            let answer = expect_json(200, caller.post("/v1/ask?short=1", &body)).await?;
            let text = answer["answer"].as_str().context("no answer")?;
            ensure!((1..=120).contains(&text.chars().count()), "{text}");
            ensure!(answer["citations"].as_array().is_some_and(|citations| citations.len() == 1), "{answer}");
            ensure!(answer["more"] == true && answer["citations"][0]["file"] == "checkout.md", "{answer}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn what_no_document_supports_is_not_known() -> Result<()> {
    STAGE
        .play(async |stage| {
            let caller = stage.caller("ana", "assistant:ask")?;
            for question in
                ["How many moons does Jupiter have?", "What is the chief executive's salary?", "asdf qwer zxcv"]
            {
                let answer = expect_json(200, caller.post("/v1/ask", &json!({"question": question}))).await?;
                ensure!(answer["known"] == false && answer["answer"].is_null(), "{question}: {answer}");
                ensure!(answer["citations"] == json!([]), "{question}: {answer}");
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_runbook_is_proposed_and_nothing_is_done() -> Result<()> {
    STAGE
        .play(async |stage| {
            let caller = stage.caller("ana", "assistant:ask commands:request runbooks:read")?;
            let answer =
                expect_json(200, caller.post("/v1/ask", &json!({"question": "How do I restart the mailer?"}))).await?;
            let proposals = answer["proposals"].as_array().context("no proposals")?;
            ensure!(
                proposals.iter().any(|proposal| proposal["runbook"] == "restart-worker"),
                "proposed: {proposals:?}"
            );
            let names = expect_json(200, caller.get("/v1/runbooks")).await?.to_string();
            for proposal in proposals {
                let name = proposal["runbook"].as_str().context("a proposal without a runbook")?;
                ensure!(names.contains(name), "{name} is not in the catalogue");
            }
            let commands = expect_json(200, caller.get("/v1/commands")).await?;
            ensure!(!commands.to_string().contains("restart-worker"), "a question issued a command: {commands}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn malformed_questions_are_refused() -> Result<()> {
    STAGE
        .play(async |stage| {
            let caller = stage.caller("ana", "assistant:ask")?;
            let rows: [(&str, Value); 5] = [
                ("no question", json!({})),
                ("an empty question", json!({"question": ""})),
                ("a blank question", json!({"question": "  \n "})),
                ("a number", json!({"question": 7})),
                ("text alone", json!("How?")),
            ];
            for (name, body) in rows {
                let answered = status(caller.post("/v1/ask", &body)).await?;
                ensure!(answered == 400 || answered == 422, "{name} was answered {answered}");
            }
            let long = json!({"question": "why ".repeat(400_000)});
            ensure!(status(caller.post("/v1/ask", &long)).await? == 413, "1.6 MB were not refused with 413");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn an_answer_is_an_event_of_its_own() -> Result<()> {
    STAGE
        .play(async |stage| {
            let caller = stage.caller("ana", "assistant:ask events:read")?;
            expect_json(200, caller.post("/v1/ask", &json!({"question": "How do I restart the mailer?"}))).await?;
            let page = expect_json(200, caller.get("/v1/events?type=dev.watchgate.assistant.answered")).await?;
            let event = page.pointer("/events/0/event").context("no event tells of the answer")?;
            ensure!(event["source"] == "urn:watchgate:assistant-service", "its source is {}", event["source"]);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_stream_comes_through_the_gate_with_its_answer_and_its_end() -> Result<()> {
    STAGE
        .play(async |stage| {
            let caller = stage.caller("ana", "assistant:ask")?;
            let request = caller.post("/v1/ask", &json!({"question": "How do I restart the mailer?"}));
            let answer = request.header("accept", "text/event-stream").send().await?;
            ensure!(answer.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream"), "no stream");
            let text = answer.text().await?;
            let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
            ensure!(names.ends_with(&["answer", "end"]), "{names:?}");
            ensure!(text.contains("\"file\":\"checkout.md\"") && text.ends_with("{\"complete\":true}\n\n"), "{text}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn watchgate_ask_prints_the_answer_and_its_sources_and_says_by_its_end_whether_it_is_known() -> Result<()> {
    STAGE
        .play(async |stage| {
            let token = stage.folder().join("ask.token");
            fs::write(&token, stage.mint("ana", "assistant:ask")?)?;
            let (gateway, ca) = (stage.base_url(), stage.ca());
            let ask = |arguments: &'static [&'static str], token: &Path| {
                let mut command = Command::new(artifacts::watchgate()?);
                command.arg("ask").args(["--gateway", &gateway]).arg("--token-file").arg(token).arg("--ca").arg(&ca);
                let output = command.args(arguments).output()?;
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                Ok::<_, Error>((output.status.code(), said, String::from_utf8_lossy(&output.stderr).into_owned()))
            };
            let (code, said, _) = ask(&["How do I restart the mailer?"], &token)?;
            ensure!(code == Some(0), "it ended with {code:?}: {said}");
            let source = "[1] checkout.md > Checkout service > Workers > Restarting a worker";
            ensure!(said.contains(source) && said.contains("restart-worker worker=\"mailer\""), "{said}");
            ensure!(said.trim_end().ends_with("quoted from the documents"), "{said}");
            let (code, said, _) = ask(&["How many moons does Jupiter have?"], &token)?;
            ensure!(code == Some(1) && said.starts_with("Not known"), "it ended with {code:?}: {said}");
            let (code, said, _) = ask(&["--json", "How do I restart the mailer?"], &token)?;
            let answer: Value = serde_json::from_str(&said)?;
            ensure!(code == Some(0) && answer["citations"][0]["file"] == "checkout.md", "{answer}");

            fs::write(&token, "not-a-token")?;
            let (code, said, complaint) = ask(&["How do I restart the mailer?"], &token)?;
            ensure!(code == Some(2) && said.is_empty() && complaint.contains("401"), "{code:?}: {said}{complaint}");
            Ok(())
        })
        .await
}
