//! Fine-tuning against a mock by somebody else, which knows nothing of what we expect: from the shipped documents to a model
//! that the settings name.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use watchgate_tests::artifacts;
use watchgate_tests::model_mock::ModelMock;

fn fine_tune(folder: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(artifacts::watchgate()?);
    command.current_dir(folder).arg("fine-tune").args(arguments);
    let output = command.output().context("watchgate cannot be run")?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output)
}

#[tokio::test]
async fn documents_become_a_model_at_an_endpoint_of_somebody_else() -> Result<()> {
    let mock = ModelMock::start().await?;
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    std::fs::write(at.join("key"), "a-key")?;
    let settings = format!(
        "models:\n  - name: small\n    model: gpt-4o-mini # the base\n    baseUrl: {}\n    apiKeyFile: key\n    \
         allowedNetworks: [127.0.0.0/8]\n",
        mock.url("v1")
    );
    std::fs::write(at.join("assistant.yml"), &settings)?;
    let documents = artifacts::root().join("examples/company/documents");
    let documents = documents.to_str().context("a path of text")?;
    fine_tune(at, &["export", "--documents", documents, "--out", "export"])?;

    let endpoint = ["--assistant", "assistant.yml", "--model", "small"];
    let files = ["--train", "export/train.jsonl", "--validation", "export/validation.jsonl", "--suffix", "ours"];
    let start = [&["start"][..], &endpoint, &files].concat();
    let job = String::from_utf8(fine_tune(at, &start)?.stdout)?;
    let again = fine_tune(at, &start)?;
    ensure!(again.stdout == job.as_bytes(), "another job was started");
    ensure!(String::from_utf8_lossy(&again.stderr).contains("the job is there already"));

    let job = job.trim();
    let waited = fine_tune(at, &[&["status", job, "--wait"][..], &endpoint].concat())?;
    let said = String::from_utf8(waited.stdout)?;
    ensure!(said.contains("succeeded") && said.contains("tokens trained"), "{said}");
    fine_tune(at, &[&["use", job, "--write"][..], &endpoint].concat())?;
    let after = std::fs::read_to_string(at.join("assistant.yml"))?;
    let model = after.lines().find(|line| line.contains("model:")).context("a model")?;
    ensure!(model.starts_with("    model: \"ft:gpt-4o-mini:") && model.ends_with("\" # the base"), "{model}");
    ensure!(after.lines().count() == settings.lines().count());
    Ok(())
}
