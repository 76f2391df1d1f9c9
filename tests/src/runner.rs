//! A stage with a runner: `watchgate runner` as a process of its own, which can be killed and started again in the same folders.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::client::{Caller, expect_json};
use crate::wait::until;
use crate::{Companion, Stage, StageOptions, artifacts};

const RIGHTS: &str = "rules:
  - {name: all, who: {scopes: ['commands:request']}, allow: [run, dry_run, cancel]}
  - {name: approvers, who: {scopes: ['commands:approve']}, allow: [approve]}
";

/// The folders of one runner, and the stage before it: the service has the same runbooks.
#[derive(Debug)]
pub struct Runner {
    folder: tempfile::TempDir,
    /// The gateway and the service.
    pub stage: Stage,
    /// Who asks.
    pub ana: Caller,
    options: Vec<(&'static str, PathBuf)>,
    user: Option<User>,
}

/// A user of the system and its group.
#[derive(Clone, Copy, Debug)]
pub struct User {
    /// The user's number.
    pub id: u32,
    /// The group's.
    pub group: u32,
}

impl Runner {
    /// Starts the stage, with these runbooks by their names. What else the runner's steps need lies in `folder`; `options` are
    /// the runner's settings for it.
    pub async fn start(
        folder: tempfile::TempDir,
        runbooks: &[(&str, String)],
        options: Vec<(&'static str, PathBuf)>,
    ) -> Result<Self> {
        let kept = folder.path().join("runbooks");
        fs::create_dir(&kept)?;
        for (name, text) in runbooks {
            fs::write(kept.join(format!("{name}.yaml")), text)?;
        }
        fs::write(kept.join("rights.yaml"), RIGHTS)?;
        let stage = Stage::start(StageOptions { runbooks: Some(kept), ..StageOptions::default() }).await?;
        fs::write(folder.path().join("token"), stage.mint("runner", "commands:lease")?)?;
        let ana = stage.caller("ana", "commands:request events:read")?;
        Ok(Self { folder, stage, ana, options, user: None })
    }

    /// Has its processes run as this user, to whom its folder then belongs. Only root may do that.
    pub fn run_as(self, user: User) -> Result<Self> {
        // What else it needs lies where that user perhaps may not look.
        fs::copy(artifacts::watchgate()?, self.at("watchgate"))?;
        fs::copy(self.stage.ca(), self.at("ca.pem"))?;
        chown(self.folder.path(), Some(user.id), Some(user.group))?;
        Ok(Self { user: Some(user), ..self })
    }

    /// A file or folder beside the runner's.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new process with the same folders. It is killed when it is dropped.
    pub fn process(&self, name: &str) -> Result<Companion> {
        let (mut command, ca) = match self.user {
            Some(User { id, group }) => {
                let mut command = Command::new(self.at("watchgate"));
                command.uid(id).gid(group);
                (command, self.at("ca.pem"))
            }
            None => (Command::new(artifacts::watchgate()?), self.stage.ca()),
        };
        command.arg("runner").arg("--gateway").arg(self.stage.base_url());
        let (token, runbooks, state) = (self.at("token"), self.at("runbooks"), self.at("state"));
        let own: [(&str, &Path); 4] =
            [("--ca", &ca), ("--token-file", &token), ("--runbooks", &runbooks), ("--state", &state)];
        let further = self.options.iter().map(|(option, path)| (*option, path.as_path()));
        for (option, path) in own.into_iter().chain(further) {
            command.arg(option).arg(path);
        }
        self.stage.companion(name, &mut command)
    }

    /// Asks for a command.
    pub async fn ask(&self, runbook: &str, parameters: Value, dry_run: bool) -> Result<Value> {
        let call = json!({"runbook": runbook, "parameters": parameters, "reason": "a test", "dry_run": dry_run});
        expect_json(201, self.ana.post("/v1/commands", &call)).await
    }

    /// Has somebody else agree to it.
    pub async fn approve(&self, command: &Value) -> Result<()> {
        let ben = self.stage.caller("ben", "commands:approve")?;
        let approval = json!({"decision": "approve", "digest": command.get("digest")});
        expect_json(200, ben.post(&format!("{}/approval", path(command)?), &approval)).await.map(drop)
    }

    /// Waits until the command has ended, and gives what the service says of it.
    pub async fn ended(&self, command: &Value, process: &Companion) -> Result<Value> {
        let path = path(command)?;
        let ends = ["succeeded", "failed", "timeout", "canceled", "abandoned", "expired"];
        until("the command ends", Duration::from_secs(90), async || {
            let now = expect_json(200, self.ana.get(&path)).await?;
            let state = now.get("state").and_then(Value::as_str);
            Ok(state.is_some_and(|state| ends.contains(&state)).then_some(now))
        })
        .await
        .with_context(|| process.log())
    }
}

fn path(command: &Value) -> Result<String> {
    let id = command.get("id").and_then(Value::as_str).context("a command without an id")?;
    Ok(format!("/v1/commands/{id}"))
}
