//! `watchgate ask`: a question to the assistant, its answer as it comes, and where it stands.

mod answer;
mod events;
mod report;
#[cfg(test)]
mod tests;

use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use reqwest::Method;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};

use super::gateway::{self, GatewayArguments, block_on};
use super::plain::{escaped, visible};
use answer::Answer;
use events::{Event, Events};

pub(super) const AFTER_HELP: &str = "\
The token needs the scope `assistant:ask`.

Exits with 0 when there is an answer, with 1 when nothing is known, and with 2 when there is none: the gateway does not answer,
refuses, or the answer was cut off on its way.

Examples:
  watchgate ask --gateway https://gw.example.com --token-file token 'How do I restart the mailer?'
  watchgate ask --gateway https://localhost:8443 --ca keys/tls/ca.pem --token-file token 'How do I restart the mailer?'";

/// Longer than the service takes for an answer.
const WHOLE_ANSWER: Duration = Duration::from_secs(150);

/// What is asked, and of whom.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    gateway: GatewayArguments,
    /// The whole answer as JSON, for programs.
    #[arg(long)]
    json: bool,
    /// The question, 2,000 characters at most.
    question: String,
}

/// How what comes is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Word by word, for a person who waits.
    AsItComes,
    /// Once it is whole, for a file or a pipe: nothing written there can be taken back.
    WhenWhole,
    Json,
}

/// Whether something is known.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let mut output = std::io::stdout();
    let form = match (arguments.json, output.is_terminal()) {
        (true, _) => Form::Json,
        (false, true) => Form::AsItComes,
        (false, false) => Form::WhenWhole,
    };
    // Whoever refuses may say what a terminal would obey.
    block_on(ask(arguments, form, &mut output)).map_err(|error| anyhow!("{}", visible(&format!("{error:#}"))))
}

async fn ask(arguments: &Arguments, form: Form, output: &mut impl Write) -> anyhow::Result<bool> {
    let call = arguments.gateway.connect()?.call(Method::POST, &["v1", "ask"])?;
    let call = call.timeout(WHOLE_ANSWER).header(ACCEPT, "text/event-stream");
    let mut events = Events::of(gateway::open(call.json(&json!({"question": arguments.question}))).await?)?;
    let mut words = String::new();
    let heard = hear(&mut events, form, &mut words, output).await;
    let shown = form == Form::AsItComes && !words.is_empty();
    if shown {
        writeln!(output)?;
    }
    let heard = heard.with_context(|| match shown {
        true => "what stands above is no whole answer",
        false => "there is no answer",
    })?;
    let answer = Answer::read(&heard)?;
    match form {
        Form::Json => writeln!(output, "{}", escaped(&serde_json::to_string_pretty(&heard)?))?,
        Form::AsItComes | Form::WhenWhole => report::write(output, &answer, if shown { &words } else { "" })?,
    }
    output.flush()?;
    Ok(answer.known)
}

/// Listens to the end. An answer counts when the end says that it is complete.
async fn hear(events: &mut Events, form: Form, words: &mut String, output: &mut impl Write) -> anyhow::Result<Value> {
    let mut answer = None;
    while let Some(event) = events.next().await? {
        match event {
            Event::Words(text) => {
                if form == Form::AsItComes {
                    write!(output, "{}", visible(&text))?;
                    output.flush()?;
                }
                words.push_str(&text);
            }
            Event::Anew => {
                if form == Form::AsItComes && !words.is_empty() {
                    writeln!(output, "\n\n(what stands above is void: it begins anew)\n")?;
                }
                words.clear();
            }
            Event::Answer(whole) => answer = Some(whole),
            Event::Problem(said) => bail!("{}", visible(&said)),
            Event::End { complete: true } => return answer.context("the answer's end came without an answer"),
            Event::End { complete: false } => bail!("the service says that the answer is not complete"),
            Event::Other => {}
        }
    }
    bail!("the answer was cut off")
}
