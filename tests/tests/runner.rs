//! The runner through the real gate: a runbook's playbook carried out, stopped, and told about after a crash.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use watchgate_tests::client::{Caller, expect_json};
use watchgate_tests::wait::until;
use watchgate_tests::{Companion, Stage, StageOptions, artifacts};

const RIGHTS: &str = "rules:
  - {name: all, who: {scopes: ['commands:request']}, allow: [run, dry_run, cancel]}
";

/// The folders of one runner: the service has the same runbooks.
struct Runner {
    folder: tempfile::TempDir,
    stage: Stage,
    ana: Caller,
}

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

impl Runner {
    async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        for made in ["runbooks", "copy"] {
            fs::create_dir(at(made))?;
        }
        let host = "localhost ansible_connection=local ansible_python_interpreter=\"{{ ansible_playbook_python }}\"\n";
        fs::write(at("copy/hosts"), host)?;
        let out = folder.path().display();
        for (name, task) in [
            ("write", format!("copy: {{content: '{{{{ words }}}}', dest: {out}/written}}")),
            ("sleep", format!("shell: touch {out}/began; sleep 300")),
            ("back", format!("copy: {{content: back, dest: {out}/back}}")),
        ] {
            fs::write(at(&format!("copy/{name}.yml")), playbook(&task))?;
        }
        for name in ["write", "sleep"] {
            fs::write(at(&format!("runbooks/{name}.yaml")), runbook(name))?;
        }
        fs::write(at("runbooks/rights.yaml"), RIGHTS)?;
        let options = StageOptions { runbooks: Some(at("runbooks")), ..StageOptions::default() };
        let stage = Stage::start(options).await?;
        fs::write(at("token"), stage.mint("runner", "commands:lease")?)?;
        let ana = stage.caller("ana", "commands:request events:read")?;
        Ok(Self { folder, stage, ana })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new process with the same folders. It is killed when it is dropped.
    fn process(&self, name: &str) -> Result<Companion> {
        let ansible = artifacts::root().join(".tools/ansible/bin/ansible-playbook");
        ensure!(ansible.exists(), "run `make setup-tests`: it puts ansible-core into .tools/");
        let mut command = Command::new(artifacts::watchgate()?);
        command.arg("runner").arg("--gateway").arg(self.stage.base_url());
        let (ca, token, runbooks, state) = (self.stage.ca(), self.at("token"), self.at("runbooks"), self.at("state"));
        let copy = self.at("copy");
        for (option, path) in [
            ("--ca", &ca),
            ("--token-file", &token),
            ("--runbooks", &runbooks),
            ("--state", &state),
            ("--ansible-folder", &copy),
            ("--ansible-playbook", &ansible),
        ] {
            command.arg(option).arg(path);
        }
        self.stage.companion(name, &mut command)
    }

    async fn ask(&self, runbook: &str, words: &str, dry_run: bool) -> Result<Value> {
        let call = json!({
            "runbook": runbook, "parameters": {"words": words}, "reason": "a test", "dry_run": dry_run,
        });
        expect_json(201, self.ana.post("/v1/commands", &call)).await
    }

    async fn ended(&self, command: &Value, process: &Companion) -> Result<Value> {
        let path = format!("/v1/commands/{}", command["id"].as_str().unwrap_or_default());
        let ends = ["succeeded", "failed", "timeout", "canceled", "abandoned", "expired"];
        until("the command ends", Duration::from_secs(90), async || {
            let now = expect_json(200, self.ana.get(&path)).await?;
            Ok(now["state"].as_str().is_some_and(|state| ends.contains(&state)).then_some(now))
        })
        .await
        .with_context(|| process.log())
    }

    async fn began(&self) -> Result<()> {
        let began = self.at("began");
        until("the playbook begins", Duration::from_secs(60), async || Ok(began.exists().then_some(()))).await?;
        fs::remove_file(began).context("it began only once")
    }
}

#[tokio::test]
async fn a_playbook_is_carried_out_stopped_and_told_about_after_a_crash() -> Result<()> {
    let runner = Runner::start().await?;
    let first = runner.process("runner")?;

    let dry = runner.ask("write", "{{ 1 + 1 }}", true).await?;
    let dry = runner.ended(&dry, &first).await?;
    ensure!(dry["state"] == "succeeded" && !runner.at("written").exists(), "{dry}\n{}", first.log());
    let done = runner.ask("write", "{{ 1 + 1 }}", false).await?;
    let done = runner.ended(&done, &first).await?;
    ensure!(done["state"] == "succeeded", "{done}\n{}", first.log());
    ensure!(fs::read_to_string(runner.at("written"))? == "{{ 1 + 1 }}", "the words became something else");
    let id = done["id"].as_str().unwrap_or_default();
    let output = expect_json(200, runner.ana.get("/v1/events").query(&[("subject", id)])).await?.to_string();
    ensure!(output.contains("task: the task"), "no output tells of the task: {output}");

    let asked = runner.ask("sleep", "", false).await?;
    runner.began().await?;
    let path = format!("/v1/commands/{}/cancel", asked["id"].as_str().unwrap_or_default());
    expect_json(202, runner.ana.post(&path, &json!({}))).await?;
    let stopped = runner.ended(&asked, &first).await?;
    ensure!(stopped["state"] == "canceled" && runner.at("back").exists(), "{stopped}\n{}", first.log());

    // Killed, and there again before its lease has run out: what is known is taken as the result.
    let asked = runner.ask("sleep", "", false).await?;
    runner.began().await?;
    drop(first);
    let second = runner.process("runner-again")?;
    let told = runner.ended(&asked, &second).await?;
    ensure!(told["state"] == "failed", "{told}\n{}", second.log());
    ensure!(told.to_string().contains("broke off in the task"), "{told}");
    Ok(())
}
