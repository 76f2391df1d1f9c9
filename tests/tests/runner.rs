//! The runner through the real gate: a runbook's playbook carried out, stopped, and told about after a crash.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use watchgate_tests::artifacts;
use watchgate_tests::client::expect_json;
use watchgate_tests::runner::Runner;
use watchgate_tests::wait::until;

fn runbook(name: &str) -> String {
    format!(
        "name: {name}
title: Plays {name}
description: A playbook on this host.
target: {{service: runner}}
risk: change
approval: {{needed: false, not_requester: false}}
timeout_seconds: 60
dry_run: true
parameters:
  type: object
  additionalProperties: false
  required: [words]
  properties: {{words: {{type: string}}}}
steps:
  - name: play
    ansible: {{playbook: {name}.yml, inventory: hosts, vars: {{words: {{parameter: words}}}}}}
rollback:
  - name: back
    ansible: {{playbook: back.yml, inventory: hosts}}
"
    )
}

fn playbook(task: &str) -> String {
    format!("- hosts: all\n  gather_facts: false\n  tasks:\n    - name: the task\n      {task}\n")
}

async fn start() -> Result<Runner> {
    let ansible = artifacts::root().join(".tools/ansible/bin/ansible-playbook");
    ensure!(ansible.exists(), "run `make setup-tests`: it puts ansible-core into .tools/");
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("copy");
    fs::create_dir(&copy)?;
    let host = "localhost ansible_connection=local ansible_python_interpreter=\"{{ ansible_playbook_python }}\"\n";
    fs::write(copy.join("hosts"), host)?;
    let out = folder.path().display();
    for (name, task) in [
        ("write", format!("copy: {{content: '{{{{ words }}}}', dest: {out}/written}}")),
        ("sleep", format!("shell: touch {out}/began; sleep 300")),
        ("back", format!("copy: {{content: back, dest: {out}/back}}")),
    ] {
        fs::write(copy.join(format!("{name}.yml")), playbook(&task))?;
    }
    let runbooks = ["write", "sleep"].map(|name| (name, runbook(name)));
    Runner::start(folder, &runbooks, vec![("--ansible-folder", copy), ("--ansible-playbook", ansible)]).await
}

async fn ask(runner: &Runner, runbook: &str, words: &str, dry_run: bool) -> Result<Value> {
    runner.ask(runbook, json!({"words": words}), dry_run).await
}

async fn began(runner: &Runner) -> Result<()> {
    let began = runner.at("began");
    until("the playbook begins", Duration::from_secs(60), async || Ok(began.exists().then_some(()))).await?;
    fs::remove_file(began).context("it began only once")
}

#[tokio::test]
async fn a_playbook_is_carried_out_stopped_and_told_about_after_a_crash() -> Result<()> {
    let runner = start().await?;
    let first = runner.process("runner")?;

    let dry = ask(&runner, "write", "{{ 1 + 1 }}", true).await?;
    let dry = runner.ended(&dry, &first).await?;
    ensure!(dry["state"] == "succeeded" && !runner.at("written").exists(), "{dry}\n{}", first.log());
    let done = ask(&runner, "write", "{{ 1 + 1 }}", false).await?;
    let done = runner.ended(&done, &first).await?;
    ensure!(done["state"] == "succeeded", "{done}\n{}", first.log());
    ensure!(fs::read_to_string(runner.at("written"))? == "{{ 1 + 1 }}", "the words became something else");
    let id = done["id"].as_str().unwrap_or_default();
    let output = expect_json(200, runner.ana.get("/v1/events").query(&[("subject", id)])).await?.to_string();
    ensure!(output.contains("task: the task"), "no output tells of the task: {output}");

    let asked = ask(&runner, "sleep", "", false).await?;
    began(&runner).await?;
    let path = format!("/v1/commands/{}/cancel", asked["id"].as_str().unwrap_or_default());
    expect_json(202, runner.ana.post(&path, &json!({}))).await?;
    let stopped = runner.ended(&asked, &first).await?;
    ensure!(stopped["state"] == "canceled" && runner.at("back").exists(), "{stopped}\n{}", first.log());

    // Killed, and there again before its lease has run out: what is known is taken as the result.
    let asked = ask(&runner, "sleep", "", false).await?;
    began(&runner).await?;
    drop(first);
    let second = runner.process("runner-again")?;
    let told = runner.ended(&asked, &second).await?;
    ensure!(told["state"] == "failed", "{told}\n{}", second.log());
    ensure!(told.to_string().contains("broke off in the task"), "{told}");
    Ok(())
}
