//! `watchgate policy explain`: what a gate would answer to one request, and how it comes to that.

mod lines;

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use policy::configuration::{NotChosen, chosen, middlewares};
use policy::explain;
use policy::request::{AskedRequest, parse_header};
use rand_core::{OsRng, RngCore};
use trust_core::gate::Gate;
use trust_core::gate::explanation::SignatureCheck;
use trust_core::request::RawRequest;
use trust_core::tags::Moment;

use super::configuration::{said, text_of};
use super::trust_directory;
use crate::command_line::at::At;

pub(super) const AFTER_HELP: &str = "\
Exits with 0 when the request would pass, with 1 when it would be denied (also where `mode: observe` lets it go on), with
2 when that cannot be said. Secrets and tokens are never printed.

Examples:
  watchgate policy explain --config gate.yml --trust /var/lib/watchgate/trust \\
    --method POST --url https://gw.example.com/v1/events --token - < token
  watchgate policy explain --config gate.yml --assume-verified --token \"$TOKEN\" --url https://gw.example.com/v1/ask";

/// The arguments of `watchgate policy explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The gate's configuration: a dynamic file of Traefik, or the plugin's configuration alone; `-` reads the standard
    /// input.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Which middleware of the file, where several use the plugin.
    #[arg(long, value_name = "NAME")]
    pub middleware: Option<String>,
    /// The name that Traefik's static configuration gives the plugin.
    #[arg(long, value_name = "NAME", default_value = "watchgate")]
    pub plugin: String,
    /// The request's method.
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    pub method: String,
    /// The request's URL. It is taken byte by byte as it would arrive at the gate: nothing is tidied up.
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// The caller's token, sent as `Authorization: Bearer`. `-` reads it from the standard input, where it stays out of the
    /// list of processes.
    #[arg(long, value_name = "TOKEN", value_parser = NonEmptyStringValueParser::new())]
    pub token: Option<String>,
    /// A further header of the request; may be given several times.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = parse_header)]
    pub headers: Vec<(String, String)>,
    /// The peer's address and port.
    #[arg(long, value_name = "ADDRESS", default_value = "192.0.2.1:49152")]
    pub source: String,
    /// When the request arrives: RFC 3339, such as 2027-01-15T08:00:00Z, or seconds since 1970; now, if absent.
    #[arg(long, value_name = "TIME")]
    pub at: Option<At>,
    /// The folder that Traefik mounts at /trust: its JWK Sets and its gate.key are used.
    #[arg(long, value_name = "DIR")]
    pub trust: Option<PathBuf>,
    /// A JWK Set in place of every jwksFile of the configuration.
    #[arg(long, value_name = "FILE", conflicts_with = "assume_verified")]
    pub jwks: Option<PathBuf>,
    /// Take the token's signature for good, where the issuer's keys are not at hand. All else is checked.
    #[arg(long)]
    pub assume_verified: bool,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    pub json: bool,
}

/// Prints the explanation; says whether the request would pass.
pub(super) fn run(arguments: &ExplainArguments) -> anyhow::Result<bool> {
    let is_from_stdin = |path: Option<&Path>| path == Some(Path::new("-"));
    let token_from_stdin = arguments.token.as_deref() == Some("-");
    let readers = [is_from_stdin(Some(&arguments.config)), token_from_stdin, is_from_stdin(arguments.jwks.as_deref())];
    ensure!(
        readers.into_iter().filter(|reads| *reads).count() < 2,
        "only one thing can be read from the standard input"
    );
    let mut gate = gate(arguments)?;
    let notes = give_keys(&mut gate, arguments)?;
    let raw = request(arguments)?;
    let moment = Moment { now: arguments.at.map_or_else(At::now, Ok)?.wall_time(), sequence: 1 };
    let signature = if arguments.assume_verified { SignatureCheck::Assumed } else { SignatureCheck::Done };
    let mut report = explain::explain(&mut gate, &raw, moment, signature);
    report.notes.splice(..0, notes);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", lines::of(&report));
    }
    Ok(report.passes())
}

fn gate(arguments: &ExplainArguments) -> anyhow::Result<Gate> {
    let file = arguments.config.display();
    let found = middlewares(&text_of(&arguments.config)?, &arguments.plugin)
        .map_err(|none| anyhow::anyhow!("{file}: {}", said(&none).what))?;
    let middleware = chosen(found, arguments.middleware.as_deref()).map_err(|not_chosen| match not_chosen {
        NotChosen::NoSuch { .. } => anyhow::Error::new(not_chosen),
        NotChosen::Several { names } => {
            anyhow::anyhow!("several middlewares use the plugin; choose one of them with --middleware: {names}")
        }
    })?;
    middleware.gate().map_err(|mistakes| {
        anyhow::anyhow!(
            "the configuration has {} mistakes, so every request is answered with 503; watchgate policy check {file} names them",
            mistakes.len()
        )
    })
}

/// The request, byte by byte as the arguments spell it.
fn request(arguments: &ExplainArguments) -> anyhow::Result<RawRequest> {
    let token = match arguments.token.as_deref() {
        Some("-") => Some(text_of("-".as_ref()).context("the token")?),
        other => other.map(str::to_owned),
    };
    let asked = AskedRequest {
        method: &arguments.method,
        url: &arguments.url,
        source: &arguments.source,
        headers: arguments.headers.clone(),
        token: token.as_deref(),
    };
    asked.raw().context("--url")
}

/// Gives the gate its files, and says what stands in for those that are not at hand.
fn give_keys(gate: &mut Gate, arguments: &ExplainArguments) -> anyhow::Result<Vec<String>> {
    let mut notes = Vec::new();
    if let Some(trust) = &arguments.trust {
        for given in trust_directory::give(gate, trust) {
            notes.extend(given.taken.err().map(|invalid| format!("{}: {invalid}", given.path.display())));
        }
    }
    if let Some(path) = &arguments.jwks {
        let content = text_of(path)?;
        explain::stand_in_for_key_files(gate, content.as_bytes()).with_context(|| path.display().to_string())?;
    } else if arguments.trust.is_none() && !arguments.assume_verified {
        let unseen = explain::key_files(gate);
        if !unseen.is_empty() {
            let files = unseen.join(", ");
            notes.push(format!("{files}: not looked at; give --trust, --jwks or --assume-verified"));
        }
    }
    if arguments.trust.is_none() {
        let mut secret = [0; 32];
        OsRng.fill_bytes(&mut secret);
        explain::stand_in_for_gate_key(gate, secret).context("a stand-in for gate.key")?;
    }
    Ok(notes)
}
