//! `watchgate command approve`, `deny` and `cancel`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{bail, ensure};
use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use super::{OneArguments, PATH, text, view};
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

pub(super) async fn approve(arguments: &DecideArguments) -> anyhow::Result<bool> {
    decide(arguments, "approve").await
}

pub(super) async fn deny(arguments: &DecideArguments) -> anyhow::Result<bool> {
    decide(arguments, "reject").await
}

pub(super) async fn cancel(arguments: &OneArguments) -> anyhow::Result<bool> {
    let OneArguments { gateway, id, json } = arguments;
    let call = gateway.connect()?.call(Method::POST, &[PATH.as_slice(), &[id, "cancel"]].concat())?;
    tell(&answer(call.json(&json!({}))).await?, *json)?;
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
    print!("{}\n{decision}? [y/N] ", view::whole(&command));
    std::io::stdout().flush()?;
    let mut said = String::new();
    std::io::stdin().lock().read_line(&mut said)?;
    Ok(matches!(said.trim(), "y" | "yes").then_some(digest))
}

fn tell(command: &Value, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", escaped(&serde_json::to_string_pretty(command)?));
    } else {
        println!("{} {}", line(text(command, "/id")), view::standing(command));
    }
    Ok(())
}
