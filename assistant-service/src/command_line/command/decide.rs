//! `watchgate command approve`, `deny` and `cancel`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{bail, ensure};
use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use super::{PATH, text, view};
use crate::command_line::gateway::{Gateway, GatewayArguments, answer};
use crate::command_line::plain::{escaped, line};

/// The arguments of `watchgate command approve` and `deny`.
#[derive(Debug, Args)]
pub struct DecideArguments {
    #[command(flatten)]
    gateway: GatewayArguments,
    /// The command.
    id: String,
    /// The digest of the command that you have looked at. Without it the command is shown, and you are asked.
    #[arg(long)]
    digest: Option<String>,
    /// Why.
    #[arg(long)]
    comment: Option<String>,
    /// JSON, for programs: the command after the decision.
    #[arg(long)]
    json: bool,
}

/// The arguments of `watchgate command cancel`.
#[derive(Debug, Args)]
pub struct CancelArguments {
    #[command(flatten)]
    gateway: GatewayArguments,
    /// The command.
    id: String,
    /// Why, for whoever asked for it and whoever carries it out.
    #[arg(long)]
    reason: Option<String>,
    /// JSON, for programs: the command as it stands then.
    #[arg(long)]
    json: bool,
}

pub(super) async fn approve(arguments: &DecideArguments) -> anyhow::Result<bool> {
    decide(arguments, "approve").await
}

pub(super) async fn deny(arguments: &DecideArguments) -> anyhow::Result<bool> {
    decide(arguments, "reject").await
}

pub(super) async fn cancel(arguments: &CancelArguments) -> anyhow::Result<bool> {
    let CancelArguments { gateway, id, reason, json } = arguments;
    let call = gateway.connect()?.call(Method::POST, &[PATH.as_slice(), &[id, "cancel"]].concat())?;
    tell(&answer(call.json(&json!({"reason": reason}))).await?, *json)?;
    Ok(true)
}

async fn decide(arguments: &DecideArguments, decision: &str) -> anyhow::Result<bool> {
    let DecideArguments { id, comment, json, .. } = arguments;
    let gateway = arguments.gateway.connect()?;
    let digest = match &arguments.digest {
        Some(digest) => digest.clone(),
        None => match looked_at(&gateway, id, decision).await? {
            Some(digest) => digest,
            None => return Ok(false),
        },
    };
    let call = gateway.call(Method::POST, &[PATH.as_slice(), &[id, "approval"]].concat())?;
    let body = json!({"decision": decision, "digest": digest, "comment": comment});
    tell(&answer(call.json(&body)).await?, *json)?;
    Ok(true)
}

/// Shows the command and asks. What is decided is what was shown: should it be another by then, its digest differs.
async fn looked_at(gateway: &Gateway, id: &str, decision: &str) -> anyhow::Result<Option<String>> {
    if !std::io::stdin().is_terminal() {
        bail!("give --digest: nobody can be asked here whether this is the right command");
    }
    let command: Value = answer(gateway.call(Method::GET, &[PATH.as_slice(), &[id]].concat())?).await?;
    let digest = text(&command, "/digest").to_owned();
    ensure!(digest != "-", "the service does not say what the command is");
    // Who may decide may not be let read the catalogue, and then decides by the command alone.
    let runbook = runbook(gateway, text(&command, "/runbook")).await.ok();
    print!("{}\n{decision}? [y/N] ", view::whole(&command, runbook.as_ref()));
    std::io::stdout().flush()?;
    let mut said = String::new();
    std::io::stdin().lock().read_line(&mut said)?;
    Ok(matches!(said.trim(), "y" | "yes").then_some(digest))
}

async fn runbook(gateway: &Gateway, name: &str) -> anyhow::Result<Value> {
    answer(gateway.call(Method::GET, &["v1", "runbooks", name])?).await
}

fn tell(command: &Value, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", escaped(&serde_json::to_string_pretty(command)?));
    } else {
        println!("{} {}", line(text(command, "/id")), view::standing(command));
    }
    Ok(())
}
