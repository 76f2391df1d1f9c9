//! `watchgate events dead-letters`: from a list to one letter, from there to an event or to nothing.

mod table;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::command_line::gateway::{Gateway, GatewayArguments, answer, block_on, send};

const PATH: [&str; 2] = ["v1", "dead-letters"];

/// As large as a body may be.
const MAX_EVENT_BYTES: u64 = 1024 * 1024;

/// What `watchgate events dead-letters` can do.
#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// New ones first.
    List(ListArguments),
    /// One, whole.
    Show(OneArguments),
    /// Send one again as its sender's event, corrected or as it came.
    Replay(ReplayArguments),
    /// Throw one away.
    Discard(OneArguments),
}

/// The arguments of `watchgate events dead-letters list`.
#[derive(Debug, Args)]
pub struct ListArguments {
    #[command(flatten)]
    gateway: GatewayArguments,
    /// Sent by this principal, as a URI.
    #[arg(long, value_name = "URI")]
    principal: Option<String>,
    /// Of this event type.
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Older than the dead letter with this id.
    #[arg(long, value_name = "ID")]
    before: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// The arguments of commands about one dead letter.
#[derive(Debug, Args)]
pub struct OneArguments {
    #[command(flatten)]
    gateway: GatewayArguments,
    /// The dead letter.
    id: String,
    /// JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// The arguments of `watchgate events dead-letters replay`.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    #[command(flatten)]
    one: OneArguments,
    /// The corrected event in CloudEvents' JSON format; `-` reads it from the standard input.
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
}

pub(super) fn run(command: DeadLettersCommand) -> anyhow::Result<()> {
    let said = block_on(async {
        match command {
            DeadLettersCommand::List(arguments) => list(&arguments).await,
            DeadLettersCommand::Show(arguments) => show(&arguments).await,
            DeadLettersCommand::Replay(arguments) => replay(&arguments).await,
            DeadLettersCommand::Discard(arguments) => discard(&arguments).await,
        }
    })?;
    print!("{said}");
    Ok(())
}

async fn list(arguments: &ListArguments) -> anyhow::Result<String> {
    let gateway = arguments.gateway.connect()?;
    let parameters = [
        ("principal", arguments.principal.clone()),
        ("type", arguments.event_type.clone()),
        ("before", arguments.before.clone()),
        ("limit", Some(arguments.limit.to_string())),
    ];
    let asked: Vec<_> = parameters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let page: Value = answer(gateway.call(Method::GET, &PATH)?.query(&asked)).await?;
    if arguments.json { pretty(&page) } else { Ok(table::page(&page)) }
}

async fn show(arguments: &OneArguments) -> anyhow::Result<String> {
    let gateway = arguments.gateway.connect()?;
    let letter: Value = answer(one(&gateway, Method::GET, &arguments.id, &[])?).await?;
    if arguments.json { pretty(&letter) } else { Ok(table::letter(&letter)) }
}

async fn replay(arguments: &ReplayArguments) -> anyhow::Result<String> {
    let ReplayArguments { one: OneArguments { gateway, id, json }, with } = arguments;
    let gateway = gateway.connect()?;
    let mut call = one(&gateway, Method::POST, id, &["replay"])?;
    if let Some(file) = with {
        call = call.header(CONTENT_TYPE, "application/cloudevents+json").body(event_text(file)?);
    }
    let receipt: Value = answer(call).await?;
    if *json { pretty(&receipt) } else { Ok(table::receipt(&receipt)) }
}

async fn discard(arguments: &OneArguments) -> anyhow::Result<String> {
    let gateway = arguments.gateway.connect()?;
    send(one(&gateway, Method::DELETE, &arguments.id, &[])?).await?;
    if arguments.json {
        pretty(&json!({"discarded": arguments.id}))
    } else {
        Ok(format!("discarded {}\n", arguments.id))
    }
}

fn one(gateway: &Gateway, method: Method, id: &str, below: &[&str]) -> anyhow::Result<reqwest::RequestBuilder> {
    let mut path = PATH.to_vec();
    path.push(id);
    path.extend(below);
    gateway.call(method, &path)
}

fn event_text(file: &PathBuf) -> anyhow::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(MAX_EVENT_BYTES.saturating_add(1)).read_to_string(&mut text)
    } else {
        let opened = std::fs::File::open(file);
        opened.and_then(|file| file.take(MAX_EVENT_BYTES.saturating_add(1)).read_to_string(&mut text))
    };
    read.with_context(|| format!("the corrected event in {} cannot be read", file.display()))?;
    anyhow::ensure!(!text.is_empty(), "the corrected event in {} is empty", file.display());
    Ok(text)
}

fn pretty(value: &Value) -> anyhow::Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(value)?))
}
