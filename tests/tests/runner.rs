//! The runner through the real gate: a runbook's playbook carried out, stopped, and told about after a crash of its own or of the service.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use watchgate_tests::client::expect_json;
use watchgate_tests::runner::Runner;
use watchgate_tests::wait::until;
use watchgate_tests::{Companion, artifacts};

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

/// Adds a playbook that says when it has begun and when it is done, and waits for a file in between.
async fn add_wait(runner: &Runner) -> Result<()> {
    let [runs, began, go, done] = ["runs", "began", "go", "done"].map(|name| runner.at(name).display().to_string());
    let shell = format!("echo run >> {runs}; touch {began}; until test -e {go}; do sleep 0.1; done; touch {done}");
    let tasks = format!("    - name: the task\n      shell: '{shell}'\n");
    fs::write(runner.at("copy/wait.yml"), format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"))?;
    let like = fs::read_to_string(runner.at("runbooks/sleep.yaml"))?;
    fs::write(runner.at("runbooks/wait.yaml"), like.replace("sleep", "wait"))?;
    let reader = runner.stage.caller("ana", "runbooks:read")?;
    until("the service has the runbook", Duration::from_secs(30), async || {
        let answer = reader.get("/v1/runbooks/wait").send().await?;
        Ok(answer.status().is_success().then_some(()))
    })
    .await
}

async fn until_said(process: &Companion, words: &str) -> Result<()> {
    until(words, Duration::from_secs(60), async || Ok(process.log().contains(words).then_some(())))
        .await
        .with_context(|| process.log())
}

/// What the log of events tells of a command, in its order.
async fn told(runner: &Runner, command: &Value) -> Result<Vec<String>> {
    let id = command["id"].as_str().unwrap_or_default();
    let page = expect_json(200, runner.ana.get("/v1/events").query(&[("subject", id)])).await?;
    let events = page["events"].as_array().context("no events")?;
    let kind =
        |event: &Value| event["event"]["type"].as_str().and_then(|kind| kind.rsplit('.').next()).map(str::to_owned);
    Ok(events.iter().filter_map(kind).filter(|kind| kind != "output").collect())
}

fn runs(runner: &Runner) -> Result<usize> {
    Ok(fs::read_to_string(runner.at("runs"))?.lines().count())
}

#[tokio::test]
async fn a_playbook_goes_on_while_the_service_is_killed_and_ends_once_as_it_truly_did() -> Result<()> {
    let runner = start().await?;
    add_wait(&runner).await?;
    let process = runner.process("runner")?;
    let (go, done) = (runner.at("go"), runner.at("done"));

    // There again before the lease has run out, and the playbook ends after that.
    let first = ask(&runner, "wait", "", false).await?;
    began(&runner).await?;
    runner.stage.kill_service();
    until_said(&process, "a heartbeat did not arrive").await?;
    runner.stage.restart_service().await?;
    fs::write(&go, "")?;
    let first = runner.ended(&first, &process).await?;
    ensure!(runs(&runner)? == 1 && done.exists(), "{first}\n{}", process.log());

    // The playbook ends while nobody can be told.
    fs::remove_file(&go)?;
    fs::remove_file(&done)?;
    let second = ask(&runner, "wait", "", false).await?;
    began(&runner).await?;
    runner.stage.kill_service();
    let calls_in_vain = || process.log().matches("a call did not go through").count();
    let before = calls_in_vain();
    fs::write(&go, "")?;
    until("the playbook ends", Duration::from_secs(60), async || Ok(done.exists().then_some(()))).await?;
    until("its end is told in vain", Duration::from_secs(60), async || Ok((calls_in_vain() > before).then_some(())))
        .await
        .with_context(|| process.log())?;
    runner.stage.restart_service().await?;
    let second = runner.ended(&second, &process).await?;
    ensure!(runs(&runner)? == 2, "{second}\n{}", process.log());

    for command in [first, second] {
        ensure!(command["state"] == "succeeded" && command["attempts"] == 1, "{command}\n{}", process.log());
        ensure!(command["result"]["result"]["steps"][0]["outcome"] == "succeeded", "{command}");
        let told = told(&runner, &command).await?;
        ensure!(told == ["requested", "scheduled", "leased", "running", "succeeded"], "{told:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_playbook_whose_lease_ran_out_while_the_service_was_killed_is_ended_and_told_as_it_was() -> Result<()> {
    let runner = start().await?;
    add_wait(&runner).await?;
    let first = runner.process("runner")?;
    let asked = ask(&runner, "wait", "", false).await?;
    began(&runner).await?;
    runner.stage.kill_service();
    until_said(&first, "the lease was lost; the work was stopped").await?;
    runner.stage.restart_service().await?;
    let path = format!("/v1/commands/{}", asked["id"].as_str().unwrap_or_default());
    let meanwhile = expect_json(200, runner.ana.get(&path)).await?;
    ensure!(meanwhile["state"] == "running", "the service cannot know of it yet: {meanwhile}");

    // What it did is known from its journal alone, and is the result: the service gives every lease its whole time after a start.
    drop(first);
    let second = runner.process("runner-again")?;
    let ended = runner.ended(&asked, &second).await?;
    ensure!(ended["state"] == "failed", "{ended}\n{}", second.log());
    ensure!(ended.to_string().contains("broke off in the task"), "{ended}");
    let told = told(&runner, &asked).await?;
    ensure!(told == ["requested", "scheduled", "leased", "running", "failed"], "{told:?}");

    // Nothing of it is left that would go on by now, and nobody has begun it again: the next one is the second.
    fs::write(runner.at("go"), "")?;
    let next = ask(&runner, "wait", "", false).await?;
    let next = runner.ended(&next, &second).await?;
    ensure!(next["state"] == "succeeded" && runs(&runner)? == 2, "{next}\n{}", second.log());
    Ok(())
}
