//! `watchgate command follow`: what happens to a command, as it happens. A stream that breaks off is taken up where it ended.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::Method;
use reqwest::header::ACCEPT;
use serde::Deserialize;
use serde_json::Value;

use super::{OneArguments, PATH, text, view};
use crate::command_line::events::progress::Progress;
use crate::command_line::gateway::{self, Gateway, GatewayArguments};
use crate::command_line::plain::{escaped, visible};
use crate::command_line::sent_events::{SentEvents, data};

/// A command lives for a day at most; the gateway ends a stream with its token, and the next one begins with a new token.
const ONE_STREAM: Duration = Duration::from_secs(24 * 60 * 60);

/// More than all output and all changes of one command.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// How often in a row a stream may end without having told anything.
const PATIENCE: u32 = 10;

/// After the first stream that ended so; as many times longer after each that follows.
const PAUSE: Duration = Duration::from_millis(200);

/// Its offset counts what the service sent, and each attempt's begins at 0: it says nothing about what was told here.
#[derive(Deserialize)]
struct Output {
    text: String,
}

/// What was told so far.
#[derive(Default)]
struct Heard {
    command: Option<Value>,
    last_event: Option<String>,
    is_over: bool,
}

pub(super) async fn run(arguments: &OneArguments) -> anyhow::Result<bool> {
    to_the_end(&arguments.gateway, &arguments.id, arguments.json).await
}

/// Whether it was carried out.
pub(super) async fn to_the_end(arguments: &GatewayArguments, id: &str, json: bool) -> anyhow::Result<bool> {
    told_to(&mut std::io::stdout(), arguments, id, json, PAUSE).await
}

pub(super) async fn told_to(
    reader: &mut impl Write,
    arguments: &GatewayArguments,
    id: &str,
    json: bool,
    pause: Duration,
) -> anyhow::Result<bool> {
    let gateway = arguments.connect()?;
    let mut heard = Heard::default();
    let mut progress = Progress::begin();
    let mut failures = 0_u32;
    while !heard.is_over {
        let before = heard.last_event.clone();
        let outcome = listen(&gateway, id, &mut heard, &mut progress, (!json).then_some(&mut *reader)).await;
        if heard.last_event != before {
            failures = 0;
        }
        failures = failures.saturating_add(1);
        match outcome {
            Ok(()) if heard.is_over => {}
            // Nothing was ever told: it is no command, or not ours to see.
            Err(error) if heard.command.is_none() => return Err(error),
            Err(error) if failures >= PATIENCE => return Err(error.context("the command goes on, unseen")),
            Ok(()) if failures >= PATIENCE => bail!("the stream ends again and again; the command goes on, unseen"),
            Ok(()) | Err(_) => tokio::time::sleep(pause.saturating_mul(failures)).await,
        }
    }
    progress.end();
    let command = heard.command.context("the stream ended without a command")?;
    if json {
        writeln!(reader, "{}", escaped(&serde_json::to_string_pretty(&command)?))?;
    } else {
        write!(reader, "{}", view::ending(&command))?;
    }
    Ok(text(&command, "/state") == "succeeded")
}

async fn listen(
    gateway: &Gateway,
    id: &str,
    heard: &mut Heard,
    progress: &mut Progress,
    mut reader: Option<&mut impl Write>,
) -> anyhow::Result<()> {
    let mut call = gateway.call(Method::GET, &[PATH.as_slice(), &[id, "follow"]].concat())?;
    call = call.timeout(ONE_STREAM).header(ACCEPT, "text/event-stream");
    if let Some(last_event) = &heard.last_event {
        call = call.header("last-event-id", last_event);
    }
    let mut events = SentEvents::of(gateway::open(call).await?, MAX_BYTES)?;
    while let Some(event) = events.next().await? {
        match event.event.as_str() {
            "command" => {
                let command: Value = data(&event.data)?;
                if reader.is_some() {
                    changed(heard.command.as_ref(), &command, progress);
                }
                heard.command = Some(command);
            }
            "output" => {
                // Nothing comes twice: a stream that is taken up again goes on after the last event that was heard.
                let Output { text } = data(&event.data)?;
                if let Some(reader) = &mut reader {
                    progress.clear();
                    write!(reader, "{}", visible(&text))?;
                    reader.flush()?;
                }
            }
            "end" => heard.is_over = true,
            _ => {}
        }
        if !event.id.is_empty() {
            heard.last_event = Some(event.id);
        }
        if heard.is_over {
            break;
        }
    }
    Ok(())
}

/// A new state is a line of its own; how far it is goes over itself on a terminal.
fn changed(before: Option<&Value>, command: &Value, progress: &mut Progress) {
    let standing = view::standing(command);
    if before.is_some_and(|before| text(before, "/state") == text(command, "/state")) {
        progress.tell(|| standing);
    } else {
        progress.clear();
        eprintln!("{standing}");
    }
}
