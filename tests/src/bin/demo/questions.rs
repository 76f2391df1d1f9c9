//! A question: answered with its source, or not at all.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use watchgate_tests::Installation;
use watchgate_tests::client::expect_json;

use crate::checks::Checks;

/// What the assistant proposes to do about the question, when all went well.
pub(crate) async fn play(checks: &mut Checks, installation: &Installation) -> Result<Option<Value>> {
    checks.chapter("Somebody asks the assistant");
    let asker = installation.caller("ana", "assistant:ask")?;

    let question = json!({"question": "How do I restart the mailer?"});
    let answer = checks
        .check("a question gets an answer with its citation", async || {
            let answer = expect_json(200, asker.post("/v1/ask", &question)).await?;
            ensure!(answer["known"] == true, "the assistant does not know: {answer}");
            let cited = answer["citations"].as_array().context("no citations")?;
            let found = cited.iter().find(|citation| citation["file"] == "documents/checkout.md");
            let found = found.context("documents/checkout.md is not cited")?;
            println!("      {}", answer["answer"].as_str().unwrap_or_default().replace('\n', "\n      "));
            println!("      — {} / {}", text(&found["file"]), text(&found["heading"]));
            Ok(answer)
        })
        .await;
    if let Some(answer) = &answer {
        checks
            .check("each citation is found word for word in the file it names", async || {
                cited_truly(answer, installation)
            })
            .await;
    }
    checks
        .check("a question that no document answers gets no answer", async || {
            let question = json!({"question": "How many moons does Jupiter have?"});
            let answer = expect_json(200, asker.post("/v1/ask", &question)).await?;
            ensure!(answer["known"] == false && answer["answer"].is_null(), "answered {answer}");
            Ok(())
        })
        .await;
    let Some(answer) = answer else { return Ok(None) };
    Ok(checks
        .check("with the answer comes a runbook that would do it", async || {
            let proposals = answer["proposals"].as_array().context("no proposals")?;
            let found = proposals.iter().find(|proposal| proposal["runbook"] == "restart-worker");
            found.cloned().with_context(|| format!("proposed: {proposals:?}"))
        })
        .await)
}

fn cited_truly(answer: &Value, installation: &Installation) -> Result<()> {
    let folder = &installation.site().documents;
    for citation in answer["citations"].as_array().context("no citations")? {
        let file = citation["file"].as_str().context("a citation without a file")?;
        let document = words(&fs::read_to_string(folder.join(file)).with_context(|| format!("no document {file}"))?);
        // The heading comes with those above it.
        for said in text(&citation["heading"]).split(" > ").chain([text(&citation["quote"])]).map(words) {
            ensure!(!said.is_empty() && document.contains(&said), "{file} does not hold `{said}`");
        }
    }
    Ok(())
}

/// Text without its line breaks and Markdown's marks, which a quotation may leave out.
fn words(text: &str) -> String {
    text.replace(['`', '*', '#', '>'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
