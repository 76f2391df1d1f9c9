//! `watchgate command follow`: what happens to a command, as it happens. A stream that breaks off is taken up where it ended, for as
//! long as the command is open: it may wait for an approval for a day.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use reqwest::header::ACCEPT;
use reqwest::{Method, StatusCode};
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

/// How often in a row a token may be of no use before that is the end: the next one may be about to come into its file.
const TOKENS_OF_NO_USE: u32 = 10;

/// After the first stream that told nothing new; twice as long after each that follows, and at most as many times.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSES: u32 = 150;

/// A stream that was there for so long was of use, although there was nothing to tell.
const OF_USE: Duration = Duration::from_secs(30);

/// After so many pauses whoever watches is told why nothing is told.
const SILENT_PAUSES: u32 = 5;

/// Why a stream did not come to the end of the command.
enum Broken {
    /// What passes by itself: nobody answers, or not now, or no longer.
    Off(anyhow::Error),
    /// The token is missing or does not count.
    Token(anyhow::Error),
    /// What stays so: the service refuses, or nobody reads what is told.
    Final(anyhow::Error),
}

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
    let (mut pauses, mut tokens_of_no_use) = (0_u32, 0_u32);
    while !heard.is_over {
        let (before, begun) = (heard.last_event.clone(), Instant::now());
        let outcome = listen(&gateway, id, &mut heard, &mut progress, (!json).then_some(&mut *reader)).await;
        if heard.is_over {
            break;
        }
        if heard.last_event != before || begun.elapsed() >= OF_USE {
            pauses = 0;
        }
        let is_token = matches!(outcome, Err(Broken::Token(_)));
        tokens_of_no_use = if is_token { tokens_of_no_use.saturating_add(1) } else { 0 };
        let error = match outcome {
            Ok(()) => anyhow!("the stream ends again and again"),
            Err(Broken::Final(error)) => return Err(error.context("the command is not followed any further")),
            Err(Broken::Token(error)) if tokens_of_no_use >= TOKENS_OF_NO_USE => {
                return Err(error.context("the command is not followed any further"));
            }
            // Nothing was ever told: whoever asks again asks whether the address is right.
            Err(Broken::Off(error) | Broken::Token(error)) if heard.command.is_none() => return Err(error),
            Err(Broken::Off(error) | Broken::Token(error)) => error,
        };
        pauses = pauses.saturating_add(1);
        if pauses == SILENT_PAUSES {
            progress.clear();
            eprintln!("{}", visible(&format!("nothing is heard of the command, and it is tried again: {error:#}")));
        }
        let times = 1_u32.checked_shl(pauses.saturating_sub(1)).unwrap_or(LONGEST_PAUSES).clamp(1, LONGEST_PAUSES);
        tokio::time::sleep(pause.saturating_mul(times)).await;
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

/// Sends the call for a stream, and says what a refusal means.
async fn open(gateway: &Gateway, id: &str, last_event: Option<&str>) -> Result<SentEvents, Broken> {
    let call = gateway.call(Method::GET, &[PATH.as_slice(), &[id, "follow"]].concat()).map_err(Broken::Token)?;
    let mut call = call.timeout(ONE_STREAM).header(ACCEPT, "text/event-stream");
    if let Some(last_event) = last_event {
        call = call.header("last-event-id", last_event);
    }
    let response = call.send().await.context("the gateway does not answer").map_err(Broken::Off)?;
    let broken = match response.status() {
        StatusCode::UNAUTHORIZED => Broken::Token,
        // In time, or when there are fewer streams, the same is answered otherwise.
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Broken::Off,
        status if status.is_client_error() => Broken::Final,
        _ => Broken::Off,
    };
    let response = gateway::taken(response).await.map_err(broken)?;
    SentEvents::of(response, MAX_BYTES).map_err(Broken::Off)
}

async fn listen(
    gateway: &Gateway,
    id: &str,
    heard: &mut Heard,
    progress: &mut Progress,
    mut reader: Option<&mut impl Write>,
) -> Result<(), Broken> {
    let mut events = open(gateway, id, heard.last_event.as_deref()).await?;
    while let Some(event) = events.next().await.map_err(Broken::Off)? {
        match event.event.as_str() {
            "command" => {
                let command: Value = data(&event.data).map_err(Broken::Final)?;
                if reader.is_some() {
                    changed(heard.command.as_ref(), &command, progress);
                }
                heard.command = Some(command);
            }
            "output" => {
                // Nothing comes twice: a stream that is taken up again goes on after the last event that was heard.
                let Output { text } = data(&event.data).map_err(Broken::Final)?;
                if let Some(reader) = &mut reader {
                    progress.clear();
                    let written = write!(reader, "{}", visible(&text)).and_then(|()| reader.flush());
                    written.map_err(|error| Broken::Final(error.into()))?;
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
