//! `make run`: the gateway and the service, until Ctrl-C. `stage -- COMMAND …` plays a command on it instead, which is
//! how the examples run.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use watchgate_tests::{BackEnd, Companion, Folder, Stage, StageOptions, artifacts, shipped_gate_with_sessions};

/// Starts Traefik with the gate, and Watchgate's service behind it, on free ports.
#[derive(Parser)]
#[command(name = "stage")]
struct Arguments {
    /// Put the gate before this back end, without Watchgate's service.
    #[arg(long, value_name = "URL")]
    drop_in: Option<String>,
    /// The plugin's configuration in place of the shipped one: a YAML file that begins with `issuers` and `rules`.
    #[arg(long, value_name = "FILE")]
    gate: Option<PathBuf>,
    /// Runs this command with the stage's addresses in WATCHGATE_… variables, and ends with its exit code.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("stage: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let scene = async {
        // A command's stage is its own, so that an example runs beside `make run`.
        let folder = if arguments.command.is_empty() { Folder::Kept("stage") } else { Folder::Temporary };
        let back_end = arguments.drop_in.map_or(BackEnd::Watchgate, BackEnd::DropIn);
        let has_service = matches!(back_end, BackEnd::Watchgate);
        let gate = match &arguments.gate {
            Some(file) => Some(read_gate(file)?),
            None if has_service => Some(shipped_gate_with_sessions(&["https://issuer.watchgate.test"])?),
            None => None,
        };
        let company = artifacts::root().join("examples/company");
        let (watches, more_documents) = (Some(company.join("watches")), vec![company.join("lab")]);
        let options = StageOptions {
            folder,
            back_end,
            gate,
            watches,
            more_documents,
            // Whoever has the development issuer's keys makes their own token, and brings it.
            sessions: has_service,
            console: has_service.then(|| json!({"paste": true})),
            ..StageOptions::default()
        };
        let stage = Stage::start(options).await?;
        let played = match arguments.command.split_first() {
            Some((program, rest)) => play(&stage, program, rest).await,
            None => hold(&stage, has_service).await,
        };
        if played.is_err() {
            eprintln!("{}", stage.log_tails());
        }
        played
    };
    tokio::select! {
        played = scene => played,
        _ = interrupt.recv() => Ok(ended()),
        _ = terminate.recv() => Ok(ended()),
    }
}

fn ended() -> ExitCode {
    println!("\nstage: ended");
    ExitCode::SUCCESS
}

/// Runs a command; everything ends with it.
async fn play(stage: &Stage, program: &str, arguments: &[String]) -> Result<ExitCode> {
    let status = Command::new(program)
        .args(arguments)
        .env("WATCHGATE_URL", stage.base_url())
        .env("WATCHGATE_CA", stage.ca())
        .env("WATCHGATE_BIN", artifacts::watchgate()?)
        .env("WATCHGATE_ISSUER_KEYS", stage.issuer_keys())
        .env("WATCHGATE_DYNAMIC_DIR", stage.dynamic())
        .env("WATCHGATE_SERVICE_URL", stage.service_url())
        .kill_on_drop(true)
        .status()
        .await
        .with_context(|| format!("{program} could not be started"))?;
    Ok(exit_code(status))
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

/// What somebody may who tries everything.
const SCOPES: &str = "events:write events:read assistant:ask runbooks:read commands:request commands:approve sessions:write mediations silences:write";

/// A working day: longer than anybody tries things.
const HELD_SECONDS: i64 = 8 * 60 * 60;

fn sample_service(stage: &Stage) -> Result<Companion> {
    let token = stage.token("sample-service").scope("commands:lease events:write").ttl_seconds(HELD_SECONDS).mint()?;
    let mut program = std::process::Command::new(artifacts::sample_service()?);
    program.env("WATCHGATE_URL", stage.base_url()).env("WATCHGATE_CA", stage.ca()).env("WATCHGATE_TOKEN", token);
    stage.companion("sample-service", &mut program)
}

/// Prints what to do now, and waits.
async fn hold(stage: &Stage, has_service: bool) -> Result<ExitCode> {
    let watchgate = artifacts::watchgate()?;
    // Somebody who carries commands out, or an approved one would wait for ever.
    let _sample_service = has_service.then(|| sample_service(stage)).transpose()?;
    println!("gateway   {}   (HTTP/1.1, 2 and 3)", stage.base_url());
    println!("service   {}   (answers nobody who does not come through the gateway)", stage.service_url());
    println!("routes    {}   (a file that appears here takes effect within seconds)", shown(&stage.dynamic()));
    println!("logs      {}/*.log", shown(stage.folder()));
    if has_service {
        println!("console   {}/console   (paste the token below; docs/CONSOLE.md)", stage.base_url());
        println!("watch     {}/watch   (let in by a code of the console; docs/WATCH.md)", stage.base_url());
        println!("services  sample-service   (takes commands: ask for restart-worker as one, approve it as another)");
        println!(
            "\nYour browser does not know the authority {}: import it, or go on past the warning, and the watch",
            shown(&stage.ca())
        );
        println!("does not open without a line.");
    }
    let token = stage.folder().join("ada.token");
    println!("\nPaste this, in this folder; it mints a token of ada's that holds eight hours, and asks:\n");
    println!(
        "{} token mint --keys {} --subject ada --ttl-seconds {HELD_SECONDS} \\",
        shown(&watchgate),
        shown(&stage.issuer_keys())
    );
    println!("  --scope '{SCOPES}' | tee {}\n", shown(&token));
    println!("curl -sS --cacert {} -H \"Authorization: Bearer $(cat {})\" \\", shown(&stage.ca()), shown(&token));
    println!("  -H 'Content-Type: application/json' -d '{{\"question\": \"How do I restart a worker?\"}}' \\");
    println!("  {}/v1/ask\n", stage.base_url());
    println!("Ctrl-C ends everything.");
    loop {
        if let Some(part) = stage.ended() {
            bail!("{part}");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// A path as a command line would name it from here.
fn shown(path: &Path) -> String {
    let here = env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}

fn read_gate(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    serde_saphyr::from_str(&text).with_context(|| format!("{} is no YAML", path.display()))
}
